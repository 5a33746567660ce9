"""Deleting a whole logical partition in one request."""

from __future__ import annotations

from localazure.cosmos.protocol.errors import MethodNotAllowed
from localazure.cosmos.protocol.message import Response
from localazure.cosmos.requests.call import Call
from localazure.cosmos.requests.stored import Stored
from localazure.cosmos.requests.writes import Writes
from localazure.cosmos.storage import charges
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.store import Store


class Purge:
    """Answers `POST …/operations/partitionkeydelete`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def handle(self, call: Call, container: Container) -> Response:
        """Remove every item with the request's partition key."""
        if call.address.names[-1] != "partitionkeydelete" and not call.request.path.rstrip("/").endswith(
            "partitionkeydelete"
        ):
            raise MethodNotAllowed(f"'{call.request.path}' is not an operation.")
        key = call.key(container)
        call.at(container.partitions.at(key.position))
        with self._store.transaction:
            rows = self._store.execute(
                "SELECT position, number, ts, body FROM items WHERE container = ? AND epk = ?",
                (container.number, key.position),
            ).fetchall()
            for row in rows:
                writes = Writes(self._store, container, key)
                writes.remove(Stored(*row))
                writes.commit(has_deleted=True)
        call.charge = charges.METADATA_WRITE + charges.POINT_READ_MISS * len(rows)
        return Response(200, b"")
