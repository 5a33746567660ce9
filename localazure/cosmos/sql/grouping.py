"""Aggregates, with and without GROUP BY."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from localazure.cosmos.sql.aggregates import Aggregate
from localazure.cosmos.sql.compiler import Evaluate, Row
from localazure.cosmos.sql.values import UNDEFINED, sort_key


@dataclass(frozen=True, slots=True)
class Grouping:
    """``keys`` are the GROUP BY expressions; ``aggregates`` pairs each aggregate with its argument."""

    keys: tuple[Evaluate, ...]
    aggregates: tuple[tuple[Callable[[], Aggregate], Evaluate], ...]
    width: int

    def group(self, rows: Iterable[Row]) -> Iterator[Row]:
        """One row per group: the group's first row, then a slot for each aggregate.

        Without GROUP BY there is exactly one group, also of no rows at all.
        """
        groups: dict[Any, tuple[Row, list[Aggregate]]] = {}
        if not self.keys:
            groups[()] = ((UNDEFINED,) * self.width, self._fresh())
        arguments = [argument for _, argument in self.aggregates]
        for row in rows:
            key = tuple([sort_key(key(row)) for key in self.keys])
            if key not in groups:
                groups[key] = (row, self._fresh())
            for aggregate, argument in zip(groups[key][1], arguments, strict=True):
                aggregate.add(argument(row))
        for first, aggregates in groups.values():
            yield first + tuple([aggregate.result() for aggregate in aggregates])

    def _fresh(self) -> list[Aggregate]:
        return [create() for create, _ in self.aggregates]
