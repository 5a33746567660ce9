"""Splits of physical partitions."""

from __future__ import annotations

from localazure.cosmos.protocol.errors import BadRequest
from localazure.cosmos.storage import epk
from localazure.cosmos.storage.catalog import Catalog
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.partitions import Partition
from localazure.cosmos.storage.store import LINEAGE_MASK, PARTITION_SHIFT, Store


class Splits:
    """Splits partitions on demand and when throughput grows."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def split(self, container: Container, range_id: str | None = None) -> list[Partition]:
        """Replace one partition (the widest unless named) by two halves and return these.

        The children start at the parent's LSN with the parent's items, so positions in the parent stay positions
        in both children. A request that names the parent meets 410 with sub-status 1002 from now on.
        """
        with self._store.transaction:
            partitions = container.partitions
            version = container.key.version
            widest = max(partitions.alive, key=lambda partition: epk.width(partition.low, partition.high, version))
            parent = partitions.get(range_id) if range_id is not None else widest
            middle = epk.middle(parent.low, parent.high, version)
            if not parent.low < middle < parent.high:
                raise BadRequest(f"The partition key range {parent.id} is too narrow to be split.")
            low_id, high_id = partitions.next_ids(2)
            ancestry = (*parent.parents, parent.id)
            children = [
                self._catalog.insert_partition(
                    container.number, Partition(0, name, low, high, ancestry, parent.generation + 1, parent.lsn)
                )
                for name, low, high in ((low_id, parent.low, middle), (high_id, middle, parent.high))
            ]
            for child in children:
                self._move(parent, child)
            self._store.execute(
                "UPDATE partitions SET alive = 0, lsn = ? WHERE number = ?", (parent.lsn, parent.number)
            )
            self._store.on_roll_back(partitions.rejoin, parent, children)
            partitions.replace(parent, children)
        return children

    def grow(self, container: Container, count: int) -> None:
        """Split until the container has at least `count` partitions."""
        while len(container.partitions.alive) < count:
            self.split(container)

    def _move(self, parent: Partition, child: Partition) -> None:
        base = child.number << PARTITION_SHIFT
        span = (parent.number << PARTITION_SHIFT, (parent.number + 1) << PARTITION_SHIFT)
        for table in ("items", "versions"):
            self._store.execute(
                f"UPDATE {table} SET position = ? | (position & ?) "  # noqa: S608
                "WHERE position >= ? AND position < ? AND +epk >= ? AND +epk < ?",
                (base, LINEAGE_MASK, *span, child.low, child.high),
            )
