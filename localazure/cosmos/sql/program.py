"""A query as something to run: rows in, results out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from localazure.cosmos.sql.compiler import Evaluate, Row
from localazure.cosmos.sql.grouping import Grouping
from localazure.cosmos.sql.values import UNDEFINED, sort_key

Expand = Callable[[Row], Iterator[Row]]
"""A member of FROM: a row -> that row with one more slot, once for every value of the collection."""


@dataclass(frozen=True, slots=True)
class Program:
    """The stages of a query in the order in which they run.

    ``project`` gives ``UNDEFINED`` where SELECT VALUE has nothing to show, and such a row is left out.
    """

    expansions: tuple[Expand, ...]
    where: Evaluate | None
    grouping: Grouping | None
    order_by: tuple[tuple[Evaluate, bool], ...]
    project: Evaluate
    distinct: bool
    offset: int
    limit: int | None

    def run(self, rows: Iterable[Row]) -> Iterator[Any]:
        """The results over these rows, lazily unless they are sorted or grouped."""
        found = self._matches(rows)
        if self.grouping is not None:
            found = self.grouping.group(found)
        elif self.order_by:
            found = iter(self._sort(found))
        results = self._project(found)
        if self.distinct:
            results = _distinct(results)
        if self.limit is None and not self.offset:
            return results
        return islice(results, self.offset, None if self.limit is None else self.offset + self.limit)

    def stream(self, row: Row) -> Iterator[Any]:
        """The results of one row on its own, for a query without grouping, order and limits."""
        return self._project(self._matches((row,)))

    def _matches(self, rows: Iterable[Row]) -> Iterator[Row]:
        for expand in self.expansions:
            rows = _expanded(expand, rows)
        where = self.where
        if where is None:
            return iter(rows)
        return (row for row in rows if where(row) is True)

    def _sort(self, rows: Iterable[Row]) -> list[Row]:
        keyed = [(tuple([sort_key(key(row)) for key, _ in self.order_by]), row) for row in rows]
        for index in range(len(self.order_by) - 1, -1, -1):
            keyed.sort(key=lambda pair, at=index: pair[0][at], reverse=self.order_by[index][1])  # type: ignore[misc]
        return [row for _, row in keyed]

    def _project(self, rows: Iterable[Row]) -> Iterator[Any]:
        project = self.project
        return (result for row in rows if (result := project(row)) is not UNDEFINED)


def _expanded(expand: Expand, rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        yield from expand(row)


def _distinct(results: Iterable[Any]) -> Iterator[Any]:
    seen: set[Any] = set()
    for result in results:
        key = sort_key(result)
        if key not in seen:
            seen.add(key)
            yield result
