"""Time to live: items whose time is up are gone, to every request, from that second on."""

from __future__ import annotations

from devkit.cosmos.container import Container
from devkit.cosmos.partition_key import PartitionKeyValue
from devkit.cosmos.resource import now
from devkit.cosmos.store import Store
from devkit.cosmos.stored import Stored
from devkit.cosmos.writes import Writes


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
