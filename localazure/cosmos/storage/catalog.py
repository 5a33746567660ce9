"""Databases and containers: what exists, as the requests see it; kept in SQLite and mirrored in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from localazure.cosmos.protocol.errors import OWNER_MISSING, Conflict, NotFound
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.partition_key import PartitionKey
from localazure.cosmos.storage.partitions import GENERATIONS, Partition, PartitionMap, first_ranges
from localazure.cosmos.storage.resource import Database, check_id, stamp
from localazure.cosmos.storage.store import Store


class Catalog:
    """Finds resources by name or resource id, creates, replaces and removes them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._databases: dict[str, Database[Container]] = {}
        self._by_rid: dict[str, Database[Container]] = {}
        with store.lock:
            self._load()

    # -- reading

    def databases(self) -> list[Database[Container]]:
        """Every database in order of creation."""
        return list(self._databases.values())

    def containers(self) -> list[Container]:
        """Every container of every database."""
        return [container for database in self._databases.values() for container in database.containers.values()]

    def database(self, name: str, *, owner: bool = False) -> Database[Container]:
        """The database with this name or resource id; `owner` when something inside it is addressed."""
        found = self._databases.get(name) or self._by_rid.get(name)
        if found is None:
            raise _missing("database", name, owner=owner)
        return found

    def container(self, database: str, name: str, *, owner: bool = False) -> Container:
        """The container with this name or resource id."""
        parent = self.database(database, owner=True)
        found = parent.containers.get(name) or parent.containers_by_rid.get(name)
        if found is None:
            raise _missing("container", name, owner=owner)
        return found

    # -- writing

    def create_database(self, body: Mapping[str, Any]) -> Database[Container]:
        """Store a new database."""
        name = check_id(body)
        with self._store.transaction:
            if name in self._databases:
                raise Conflict(f"A database with the id '{name}' already exists.")
            number = self._insert("INSERT INTO databases (body) VALUES ('{}')")
            database: Database[Container] = Database.build(number, stamp({"id": name}))
            self._store.execute("UPDATE databases SET body = ? WHERE number = ?", (_text(database.body), number))
            self._store.on_roll_back(self._remove_database, database)
            self._add_database(database)
        return database

    def delete_database(self, database: Database[Container]) -> None:
        """Remove a database with everything inside."""
        with self._store.transaction:
            for container in list(database.containers.values()):
                self._erase(container)
            self._store.execute("DELETE FROM databases WHERE number = ?", (database.number,))
            self._store.on_roll_back(self._add_database, database)
            self._remove_database(database)

    def create_container(
        self, database: Database[Container], definition: Mapping[str, Any], partitions: int
    ) -> Container:
        """Store a new container over `partitions` equal ranges; `definition` is checked and complete."""
        name = definition["id"]
        with self._store.transaction:
            if name in database.containers:
                raise Conflict(f"A container with the id '{name}' already exists in database '{database.id}'.")
            number = self._insert(
                "INSERT INTO containers (database, body) VALUES (?, ?)", (database.number, _text(dict(definition)))
            )
            ranges = first_ranges(partitions, PartitionKey.parse(definition["partitionKey"]).version)
            created = [
                self.insert_partition(number, Partition(0, str(n), low, high, (), number * GENERATIONS))
                for n, (low, high) in enumerate(ranges)
            ]
            container = Container.build(database, number, stamp(dict(definition)), PartitionMap(created))
            self._save_container(container)
            self._store.on_roll_back(database.remove, container)
            database.add(container)
        return container

    def replace_container(self, container: Container, definition: Mapping[str, Any]) -> None:
        """Store a changed definition under the same resource id."""
        with self._store.transaction:
            self._store.on_roll_back(container.redefine, container.body)
            container.redefine(stamp(dict(definition)))
            self._save_container(container)

    def delete_container(self, container: Container) -> None:
        """Remove a container and its items."""
        with self._store.transaction:
            self._erase(container)
            self._store.on_roll_back(container.database.add, container)
            container.database.remove(container)

    def insert_partition(self, container: int, partition: Partition) -> Partition:
        """Store a partition and give it its number."""
        partition.number = self._insert(
            "INSERT INTO partitions (container, id, low, high, parents, generation, lsn, alive) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
            (
                container,
                partition.id,
                partition.low,
                partition.high,
                ",".join(partition.parents),
                partition.generation,
                partition.lsn,
            ),
        )
        return partition

    def keep_versions(self, container: Container) -> None:
        """From now on keep replaced and deleted versions: a reader of all versions has appeared."""
        if not container.keeps_versions:
            with self._store.transaction:
                self._store.execute("UPDATE containers SET keeps_versions = 1 WHERE number = ?", (container.number,))
            container.keeps_versions = True

    # -- inside

    def _insert(self, statement: str, parameters: tuple[Any, ...] = ()) -> int:
        return int(self._store.execute(statement, parameters).lastrowid or 0)

    def _save_container(self, container: Container) -> None:
        self._store.execute(
            "UPDATE containers SET body = ? WHERE number = ?", (_text(container.body), container.number)
        )

    def _erase(self, container: Container) -> None:
        for table in ("items", "unique_keys", "versions", "partitions"):
            self._store.execute(f"DELETE FROM {table} WHERE container = ?", (container.number,))  # noqa: S608
        self._store.execute("DELETE FROM containers WHERE number = ?", (container.number,))

    def _add_database(self, database: Database[Container]) -> None:
        self._databases[database.id] = database
        self._by_rid[database.rid] = database

    def _remove_database(self, database: Database[Container]) -> None:
        self._databases.pop(database.id, None)
        self._by_rid.pop(database.rid, None)

    def _load(self) -> None:
        by_number: dict[int, Database[Container]] = {}
        for number, body in self._store.execute("SELECT number, body FROM databases ORDER BY number").fetchall():
            database: Database[Container] = Database.build(number, orjson.loads(body))
            by_number[number] = database
            self._add_database(database)
        rows = self._store.execute(
            "SELECT number, database, next_item, keeps_versions, body FROM containers ORDER BY number"
        ).fetchall()
        for number, parent, next_item, keeps_versions, body in rows:
            database = by_number[parent]
            container = Container.build(database, number, orjson.loads(body), self._load_partitions(number))
            container.next_item = container.reserved_items = next_item
            container.keeps_versions = bool(keeps_versions)
            (soonest,) = self._store.execute(
                "SELECT min(expires) FROM items WHERE container = ? AND expires IS NOT NULL", (number,)
            ).fetchone()
            container.next_expiry = soonest
            database.add(container)

    def _load_partitions(self, container: int) -> PartitionMap:
        rows = self._store.execute(
            "SELECT number, id, low, high, parents, generation, alive FROM partitions "
            "WHERE container = ? ORDER BY number",
            (container,),
        ).fetchall()
        return PartitionMap(
            Partition(
                number,
                name,
                low,
                high,
                tuple(parents.split(",")) if parents else (),
                generation,
                self._store.last_lsn(number),
                bool(alive),
            )
            for number, name, low, high, parents, generation, alive in rows
        )


def _text(body: Mapping[str, Any]) -> str:
    return orjson.dumps(body).decode()


def _missing(kind: str, name: str, *, owner: bool) -> NotFound:
    return NotFound(f"Resource Not Found: there is no {kind} '{name}'.", sub_status=OWNER_MISSING if owner else 0)
