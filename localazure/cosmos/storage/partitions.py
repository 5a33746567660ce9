"""Physical partitions of a container: ranges of the key space, each with a log sequence number of its own."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from localazure.cosmos.protocol.errors import RANGE_GONE, Gone
from localazure.cosmos.storage import epk

GENERATIONS = 1000
"""Generations of session tokens per container: a token of a container's namesake is recognised by them."""


@dataclass(eq=False, slots=True)
class Partition:
    """One physical partition, alive or already split."""

    number: int
    """Storage number, unique in the store."""
    id: str
    low: str
    high: str
    parents: tuple[str, ...]
    generation: int
    """Grows with every split; the second field of a session token."""
    lsn: int = 0
    """Number of the last committed transaction."""
    alive: bool = True

    def session_token(self, lsn: int) -> str:
        """What a client hands back to read at least the state after this LSN."""
        return f"{self.id}:{self.generation}#{lsn}#3=-1"

    def describe(self, container_rid: str, container_self: str) -> dict[str, Any]:
        """The row that a routing map is built from."""
        return {
            "id": self.id,
            "_rid": f"{container_rid[:-1]}{self.id}",
            "minInclusive": self.low,
            "maxExclusive": self.high,
            "ridPrefix": int(self.id),
            "_self": f"{container_self}pkranges/{self.id}/",
            "throughputFraction": 1,
            "status": "online",
            "parents": list(self.parents),
            "lsn": self.lsn,
        }


class PartitionMap:
    """All partitions a container ever had; the living ones tile the key space."""

    def __init__(self, partitions: Iterable[Partition]) -> None:
        self._all = {partition.id: partition for partition in partitions}
        self._refresh()

    def _refresh(self) -> None:
        self.alive = sorted((p for p in self._all.values() if p.alive), key=lambda p: p.low)
        self._lows = [partition.low for partition in self.alive]

    @property
    def version(self) -> int:
        """Grows with every change of the map."""
        return len(self._all)

    def created_since(self, version: int) -> list[Partition]:
        """The living partitions a client that knows `version` has not seen."""
        newer = set(list(self._all)[version:])
        return [partition for partition in self.alive if partition.id in newer]

    def at(self, position: str) -> Partition:
        """The partition that holds this point of the key space."""
        return self.alive[bisect.bisect_right(self._lows, position) - 1]

    def overlapping(self, low: str, high: str) -> list[Partition]:
        """The living partitions with a part in `[low, high)`, in key order."""
        return [p for p in self.alive if p.low < high and low < p.high]

    def get(self, range_id: str) -> Partition:
        """The living partition with this id; `Gone` with sub-status 1002 for one that was split or never was."""
        partition = self._all.get(range_id)
        if partition is None or not partition.alive:
            raise Gone(
                f"The partition key range {range_id} is gone; refresh the partition key ranges and send the request "
                "to the ranges that took its place.",
                sub_status=RANGE_GONE,
            )
        return partition

    def next_ids(self, count: int) -> list[str]:
        """Ids that no partition of the container ever had."""
        first = max((int(range_id) for range_id in self._all), default=-1) + 1
        return [str(first + n) for n in range(count)]

    def replace(self, parent: Partition, children: Iterable[Partition]) -> None:
        """Let the children take the parent's place."""
        parent.alive = False
        self._all.update({child.id: child for child in children})
        self._refresh()

    def rejoin(self, parent: Partition, children: Iterable[Partition]) -> None:
        """Undo `replace`."""
        parent.alive = True
        for child in children:
            del self._all[child.id]
        self._refresh()


def first_ranges(count: int, version: int) -> list[tuple[str, str]]:
    """`count` equal ranges that tile the key space of a hash version."""
    inner = epk.boundaries(count, version)
    return list(zip([epk.LOWEST, *inner], [*inner, epk.HIGHEST], strict=True))
