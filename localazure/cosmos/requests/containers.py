"""Requests about containers."""

from __future__ import annotations

from typing import Any

from localazure.cosmos.protocol.errors import BadRequest, MethodNotAllowed, NotFound
from localazure.cosmos.protocol.message import Response
from localazure.cosmos.requests.call import KEY_HEADER, Call
from localazure.cosmos.requests.metadata import body_of, check_match, entity, feed
from localazure.cosmos.requests.offers import Offers
from localazure.cosmos.storage import definition
from localazure.cosmos.storage.catalog import Catalog
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.store import PARTITION_SHIFT, Store


class Containers:
    """Creates, reads, replaces, lists and removes containers."""

    def __init__(self, store: Store, catalog: Catalog, offers: Offers, partitions: int) -> None:
        self._store = store
        self._catalog = catalog
        self._offers = offers
        self._partitions = partitions

    def handle(self, call: Call) -> Response:
        """Answer one request."""
        if call.address.is_feed:
            database = self._catalog.database(call.database, owner=True)
            call.database = database.id
            if call.operation != "container.create":
                bodies = [container.body for container in database.containers.values()]
                return feed(call, "DocumentCollections", database.rid, bodies)
            return self._create(call)
        container = self._catalog.container(call.database, call.container)
        call.target, call.database, call.container = container, container.database.id, container.id
        call.partition = container.partitions.alive[0]
        if call.operation == "container.read":
            return self._read(call, container)
        if call.operation == "container.replace":
            check_match(call, container.body)
            return self._replace(call, container)
        if call.operation == "container.delete":
            check_match(call, container.body)
            self._offers.remove(container.rid)
            self._catalog.delete_container(container)
            return Response(204)
        raise MethodNotAllowed(f"{call.request.method} is not an operation on containers.")

    def conflicts(self, call: Call, container: Container) -> Response:
        """The conflict feed: empty, because one region writes."""
        if not call.address.is_feed:
            raise NotFound(f"Resource Not Found: there is no conflict '{call.address.names[-1]}'.")
        may_cross = call.flag("x-ms-documentdb-query-enablecrosspartition")
        if call.operation == "conflict.query" and KEY_HEADER not in call.request.headers and not may_cross:
            raise BadRequest("Cross partition query is required but disabled: name a partition key or enable it.")
        return feed(call, "Conflicts", container.rid, [])

    def _create(self, call: Call) -> Response:
        database = self._catalog.database(call.database, owner=True)
        throughput = self._offers.requested(call)
        body = body_of(call)
        definition.check_key_paths(body)
        wanted = definition.completed(body)
        partitions = max(self._partitions, self._offers.partitions_for(throughput))
        container = self._catalog.create_container(database, wanted, partitions)
        call.target, call.container = container, container.id
        call.partition = container.partitions.alive[0]
        if throughput is not None or not self._offers.has(database.rid):
            self._offers.create(container.body, throughput or self._offers.default())
        return entity(call, container.body, 201)

    def _read(self, call: Call, container: Container) -> Response:
        response = entity(call, container.body)
        if call.flag("x-ms-documentdb-populatepartitionstatistics"):
            response = entity(call, {**container.body, "statistics": self._statistics(container)})
        headers = response.headers
        headers["x-ms-documentdb-collection-index-transformation-progress"] = "100"
        if call.flag("x-ms-documentdb-populatequotainfo"):
            count, size = self._store.one(
                "SELECT count(*), coalesce(sum(length(body)), 0) FROM items WHERE container = ?", (container.number,)
            )
            headers["x-ms-resource-quota"] = "documentSize=52428800;documentsSize=52428800;documentsCount=-1;"
            headers["x-ms-resource-usage"] = (
                f"documentSize={size // 1024};documentsSize={size // 1024};documentsCount={count};"
                f"collectionSize={size // 1024};"
            )
        return response

    def _replace(self, call: Call, container: Container) -> Response:
        before = container.default_ttl
        wanted = definition.changed(container.body, body_of(call))
        with self._store.transaction:
            self._catalog.replace_container(container, wanted)
            if container.default_ttl != before:
                self._redate(container)
        return entity(call, container.body)

    def _statistics(self, container: Container) -> list[dict[str, Any]]:
        """Size and number of items per physical partition."""
        rows = []
        for partition in container.partitions.alive:
            count, size = self._store.one(
                "SELECT count(*), coalesce(sum(length(body)), 0) FROM items WHERE position >= ? AND position < ?",
                (partition.number << PARTITION_SHIFT, (partition.number + 1) << PARTITION_SHIFT),
            )
            rows.append({"id": partition.id, "sizeInKB": size // 1024, "documentCount": count, "partitionKeys": []})
        return rows

    def _redate(self, container: Container) -> None:
        """Give every item the expiry that the container's new default means for it."""
        ttl = container.default_ttl
        if ttl is None:
            self._store.execute("UPDATE items SET expires = NULL WHERE container = ?", (container.number,))
        else:
            own = "coalesce(json_extract(CAST(body AS TEXT), '$.ttl'), ?)"
            self._store.execute(
                f"UPDATE items SET expires = CASE WHEN {own} = -1 THEN NULL ELSE ts + {own} END WHERE container = ?",  # noqa: S608
                (ttl, ttl, container.number),
            )
        self._store.on_roll_back(setattr, container, "next_expiry", container.next_expiry)
        (container.next_expiry,) = self._store.execute(
            "SELECT min(expires) FROM items WHERE container = ? AND expires IS NOT NULL", (container.number,)
        ).fetchone()
