"""A hub: its partitions, its consumer groups, and where an event goes that names no partition."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from localazure.eventhubs.errors import NotFound, OutOfRange
from localazure.eventhubs.hubs.hashing import partition_of
from localazure.eventhubs.hubs.partition import Partition

DEFAULT_GROUP = "$Default"


@dataclass(slots=True)
class Hub:
    """One event hub. Consumer groups and the hub's own name are compared without regard to case."""

    name: str
    created_ms: int
    partitions: Sequence[Partition]
    groups: frozenset[str] = frozenset()
    """Consumer groups besides $Default, in lower case."""
    _turns: Iterator[int] = field(default_factory=itertools.count)

    def partition(self, text: str) -> Partition:
        """Raises OutOfRange for a partition that the hub does not have."""
        if text.isascii() and text.isdigit() and int(text) < len(self.partitions):
            return self.partitions[int(text)]
        raise OutOfRange(
            "The specified partition is invalid for an EventHub partition sender or receiver. It should be between 0 "
            f"and {len(self.partitions) - 1}; hub {self.name!r} has no partition {text!r}."
        )

    def route(self, key: str | None) -> Partition:
        """The key's partition; without a key the partitions take turns."""
        if key is None:
            return self.partitions[next(self._turns) % len(self.partitions)]
        return self.partitions[partition_of(key, len(self.partitions))]

    def check_group(self, group: str) -> None:
        """Raises NotFound for a consumer group that was not configured."""
        if group.lower() not in self.groups | {DEFAULT_GROUP.lower()}:
            known = ", ".join([DEFAULT_GROUP, *sorted(self.groups)])
            raise NotFound(
                f"sb://localhost/{self.name}/ConsumerGroups/{group}",
                f"hub {self.name!r} has no consumer group {group!r}; it has {known}",
            )
