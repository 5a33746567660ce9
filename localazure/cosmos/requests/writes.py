"""Writes to one logical partition: one transaction, one LSN, all or nothing."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

from localazure.cosmos.protocol.errors import KEY_MISMATCH, BadRequest, Conflict, NotFound
from localazure.cosmos.requests.patch import patched
from localazure.cosmos.requests.stored import ALWAYS, Conditions, Outcome, Stored
from localazure.cosmos.storage import charges, document
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.definition import check_ttl_value
from localazure.cosmos.storage.partition_key import PartitionKeyValue
from localazure.cosmos.storage.partitions import Partition
from localazure.cosmos.storage.resource import check_item_id, now
from localazure.cosmos.storage.store import PARTITION_SHIFT, PLACE_BITS, Store
from localazure.cosmos.storage.unique_keys import UniqueKeys
from localazure.cosmos.storage.versions import Versions

_ITEM_NUMBER_BLOCK = 1000
_INSERT = "INSERT INTO items (position, container, epk, id, number, ts, body) VALUES (?,?,?,?,?,?,?)"
_INSERT_EXPIRING = (
    "INSERT INTO items (position, container, epk, id, number, ts, body, expires) VALUES (?,?,?,?,?,?,?,?)"
)


class Writes:
    """The operations of one transaction; to be used inside `store.transaction` or `store.statement` and then committed.

    `is_alone` promises one operation that is no deletion, or one statement: a transaction is then begun only where
    unique keys or kept versions make several statements of it.
    """

    def __init__(self, store: Store, container: Container, key: PartitionKeyValue, *, is_alone: bool = False) -> None:
        self.store = store
        self.container = container
        self.key = key
        self.partition: Partition = container.partitions.at(key.position)
        self.lsn = self.partition.lsn + 1
        store.writing_lsn = self.lsn
        self._first = (self.partition.number << PARTITION_SHIFT) | (self.lsn << PLACE_BITS)
        self._places = 0
        self.now = now()
        self.unique = UniqueKeys(store, container, key) if container.unique_keys else None
        self.versions = Versions(store, container, key) if container.keeps_versions else None
        if self.unique or self.versions or not is_alone:
            store.begin()
        store.on_roll_back(_restore, store, self.partition)

    def commit(self, *, has_deleted: bool = False) -> None:
        """Take the LSN; call it as the transaction's last step."""
        if self._places:
            if has_deleted:
                # A deleted row leaves nothing to find the LSN by after a restart.
                self.store.execute("UPDATE partitions SET lsn = ? WHERE number = ?", (self.lsn, self.partition.number))
            self.partition.lsn = self.lsn

    def find(self, item_id: str) -> Stored:
        """The stored item, or `NotFound`."""
        row = self.store.execute(
            "SELECT position, number, ts, body FROM items WHERE container = ? AND epk = ? AND id = ?",
            (self.container.number, self.key.position, item_id),
        ).fetchone()
        if row is None:
            raise NotFound(f"Resource Not Found: there is no item '{item_id}' in partition {self.key.text}.")
        return Stored(*row)

    def create(self, item: dict[str, Any], raw: bytes) -> Outcome:
        """Store a new item."""
        item_id = self._check(item)
        expires = self.expiry(item) if "ttl" in item or self.container.default_ttl is not None else 0
        number, position = self.take(1)
        etag = document.etag(position)
        body = document.compose(self.container, raw, number, position, self.now)
        try:
            row = (position, self.container.number, self.key.position, item_id, number, self.now, body)
            if expires:
                self.store.write(_INSERT_EXPIRING, (*row, expires))
            else:
                self.store.write(_INSERT, row)
        except sqlite3.IntegrityError as error:
            raise Conflict(
                f"Entity with the specified id already exists in the system: '{item_id}' in partition {self.key.text}."
            ) from error
        if self.unique:
            self.unique.add(item, number)
        if self.versions:
            self.versions.created(position, self.now, body)
        return Outcome(201, body, etag, charges.create(len(body), self.container.indexing.terms(item)), number)

    def replace(
        self,
        item_id: str,
        item: dict[str, Any],
        raw: bytes,
        conditions: Conditions = ALWAYS,
        stored: Stored | None = None,
    ) -> Outcome:
        """Overwrite an item."""
        stored = stored or self.find(item_id)
        conditions.check(stored)
        new_id = self._check(item)
        position = self._next_position()
        etag = document.etag(position)
        body = document.compose(self.container, raw, stored.number, position, self.now)
        if self.unique:
            self.unique.move(orjson.loads(stored.body), item, stored.number)
        try:
            self.store.write(
                "UPDATE items SET position = ?, id = ?, ts = ?, expires = nullif(?,0), body = ? WHERE position = ?",
                (position, new_id, self.now, self.expiry(item), body, stored.position),
            )
        except sqlite3.IntegrityError as error:
            raise Conflict(f"Entity with the specified id already exists in the system: '{new_id}'.") from error
        if self.versions:
            self.versions.replaced(position, self.now, stored.position, body, stored.body)
        charge = charges.replace(len(body), self.container.indexing.terms(item))
        return Outcome(200, body, etag, charge, stored.number)

    def upsert(self, item: dict[str, Any], raw: bytes, conditions: Conditions = ALWAYS) -> Outcome:
        """Create, or overwrite what is there; the conditions are for the latter alone, as in the service."""
        item_id = self._check(item)
        try:
            stored = self.find(item_id)
        except NotFound:
            return self.create(item, raw)
        return self.replace(item_id, item, raw, conditions, stored)

    def patch(self, item_id: str, change: dict[str, Any], conditions: Conditions = ALWAYS) -> Outcome:
        """Change parts of an item."""
        stored = self.find(item_id)
        conditions.check(stored)
        item = patched(orjson.loads(stored.body), change, self.container.key)
        raw = document.own_text(item)
        if item.get("id") != item_id:
            raise BadRequest("A patch may not change the id of an item.")
        return self.replace(item_id, item, raw, ALWAYS, stored)

    def delete(self, item_id: str, conditions: Conditions = ALWAYS) -> Outcome:
        """Remove an item."""
        stored = self.find(item_id)
        conditions.check(stored)
        self.remove(stored)
        charge = charges.create(len(stored.body), self.container.indexing.terms(orjson.loads(stored.body)))
        return Outcome(204, b"", stored.etag, charge, stored.number)

    def remove(self, stored: Stored, *, is_expiry: bool = False) -> None:
        """Take a row out, with its unique keys, leaving a tombstone where versions are kept."""
        position = self._next_position()
        self.store.execute("DELETE FROM items WHERE position = ?", (stored.position,))
        if self.unique:
            self.unique.remove(orjson.loads(stored.body))
        if self.versions:
            self.versions.deleted(position, self.now, stored.position, stored.body, is_expiry=is_expiry)

    def read(self, item_id: str) -> Outcome:
        """One item as it is at this point of the transaction."""
        stored = self.find(item_id)
        return Outcome(200, stored.body, stored.etag, charges.point_read(len(stored.body)), stored.number)

    def take(self, count: int) -> tuple[int, int]:
        """Numbers and positions for `count` new items: the first of each."""
        number = self.container.next_item
        self.container.next_item = number + count
        if self.container.next_item > self.container.reserved_items:
            self._reserve()
        position = self._first + self._places
        self._places += count
        return number, position

    def _reserve(self) -> None:
        """Keep a restarted server from giving out numbers that are in use; it does no harm if these stay unused."""
        container = self.container
        reserved = container.next_item + _ITEM_NUMBER_BLOCK
        self.store.write("UPDATE containers SET next_item = ? WHERE number = ?", (reserved, container.number))
        self.store.on_roll_back(setattr, container, "reserved_items", container.reserved_items)
        container.reserved_items = reserved

    def _check(self, item: dict[str, Any]) -> str:
        item_id = check_item_id(item)
        if not self.container.key.matches(item, self.key):
            raise BadRequest(
                "PartitionKey extracted from document doesn't match the one specified in the header: "
                f"the header says {self.key.text}, the item {self.container.key.of(item).text}.",
                sub_status=KEY_MISMATCH,
            )
        return item_id

    def expiry(self, item: dict[str, Any]) -> int:
        """The second in which an item expires, 0 for never."""
        ttl = self.container.default_ttl
        if "ttl" in item:
            if item["ttl"] is None:
                raise BadRequest("The input ttl 'null' is invalid. Ensure to provide a nonzero positive integer or -1.")
            own = check_ttl_value(item["ttl"], "item")
            ttl = own if ttl is not None else None
        if ttl is None or ttl == -1:
            return 0
        expires = self.now + ttl
        if self.container.next_expiry is None or expires < self.container.next_expiry:
            self.container.next_expiry = expires
        return expires

    def _next_position(self) -> int:
        position = self._first + self._places
        self._places += 1
        return position


def _restore(store: Store, partition: Partition) -> None:
    """What the disk says, and not the number from before: a lone statement may have been written all the same."""
    partition.lsn = store.last_lsn(partition.number)
