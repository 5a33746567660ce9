"""Time to live: items whose time is up are gone, to every request, from that second on."""

from __future__ import annotations

from localazure.cosmos.requests.stored import Stored
from localazure.cosmos.requests.writes import Writes
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.partition_key import PartitionKeyValue
from localazure.cosmos.storage.resource import now
from localazure.cosmos.storage.store import Store


class Expiry:
    """Sweeps a container before a request looks into it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sweep(self, container: Container) -> None:
        """Remove the items that have expired."""
        if container.next_expiry is None or container.next_expiry > now():
            return
        with self._store.transaction:
            rows = self._store.execute(
                "SELECT epk, position, number, ts, body FROM items WHERE container = ? AND expires <= ?",
                (container.number, now()),
            ).fetchall()
            for epk, *stored in rows:
                writes = Writes(self._store, container, PartitionKeyValue((), "", epk, is_prefix=False))
                writes.remove(Stored(*stored), is_expiry=True)
                writes.commit(has_deleted=True)
            self._store.on_roll_back(setattr, container, "next_expiry", container.next_expiry)
            (container.next_expiry,) = self._store.execute(
                "SELECT min(expires) FROM items WHERE container = ? AND expires IS NOT NULL", (container.number,)
            ).fetchone()
