"""Reading the items of a span in the order of positions, or the few that an index points at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from localazure.cosmos.queries.span import Span, keys_in
from localazure.cosmos.sql import Bounds, Query
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.continuation import Continuation
from localazure.cosmos.storage.store import Store
from localazure.cosmos.storage.unique_keys import unique_values

_FIRST_CHUNK = 64
_CHUNK = 1024
_MAX_INDEXED = 2000

Row = tuple[str, int, bytes]
"""Effective partition key, number and text of an item."""


class Scan:
    """Reads one container's items without holding the lock for longer than a chunk."""

    def __init__(self, store: Store, container: Container, items: str) -> None:
        self._store = store
        self._container = container
        self._items = items
        """The table, or what stands in its place: there the indexes over the items' values are of no use."""

    def rows(self, span: Span, start: Continuation, query: Query | None) -> Iterator[Row]:
        """Items of the span after `start` that the query may want, ordered by key and then by creation."""
        access = query.access(self._paths()) if query is not None and self._items == "items" else None
        for part in self._parts(span, query):
            if part.high > start.epk:
                yield from self._rows(part, start, access)

    def count(self, span: Span) -> int:
        """How many items the span has, from the index alone."""
        return int(
            self._store.one(
                f"SELECT count(*) FROM {self._items} WHERE container = ? AND epk >= ? AND epk < ?",  # noqa: S608
                (self._container.number, span.low, span.high),
            )[0]
        )

    def _rows(self, span: Span, start: Continuation, access: list[dict[str, Bounds]] | None) -> Iterator[Row]:
        if span.is_logical and access is not None:
            indexed = self._indexed(span, access)
            if indexed is not None:
                yield from (row for row in indexed if (row[0], row[1]) > (start.epk, start.after))
                return
        epk, after = max((start.epk, start.after), (span.low, -1))
        size = _FIRST_CHUNK
        while True:
            chunk = self._store.all(
                f"SELECT epk, number, body FROM {self._items} "  # noqa: S608
                "WHERE container = ? AND (epk, number) > (?, ?) AND epk < ? ORDER BY epk, number LIMIT ?",
                (self._container.number, epk, after, span.high, size),
            )
            yield from chunk
            if len(chunk) < size:
                return
            epk, after = chunk[-1][0], chunk[-1][1]
            size = _CHUNK

    def _parts(self, span: Span, query: Query | None) -> list[Span]:
        """The logical partitions that WHERE allows inside the span, or the whole span."""
        if span.is_logical or query is None:
            return [span]
        keys = keys_in(query, self._container.key)
        if keys is None:
            return [span]
        return [
            Span(span.partition, key.position, key.position + "\0", is_logical=True)
            for key in keys
            if span.low <= key.position < span.high
        ]

    def _paths(self) -> list[str]:
        """The paths that an index leads from: the id, and unique keys over a single path."""
        unique = ["/" + "/".join(paths[0]) for paths in self._container.unique_keys if len(paths) == 1]
        return ["/id", *unique]

    def _indexed(self, span: Span, access: list[dict[str, Bounds]]) -> list[Row] | None:
        """What the indexes give for an OR of bounds, in order of creation; None when a scan is the better way."""
        found: dict[int, Row] = {}
        for bounds in access:
            rows = self._lookup(span, bounds)
            if rows is None or len(rows) > _MAX_INDEXED:
                return None
            found.update({row[1]: row for row in rows})
        return [found[number] for number in sorted(found)]

    def _lookup(self, span: Span, bounds: Mapping[str, Bounds]) -> list[Row] | None:
        where = (self._container.number, span.low)
        for policy, paths in enumerate(self._container.unique_keys):
            bound = bounds.get("/" + "/".join(paths[0])) if len(paths) == 1 else None
            if bound is not None and bound.low is not None and bound.low == bound.high:
                value = unique_values(self._container, _nested(paths[0], bound.low))[policy]
                return self._store.all(
                    "SELECT epk, number, body FROM items WHERE container = ? AND epk = ? AND number IN "
                    "(SELECT number FROM unique_keys WHERE container = ? AND epk = ? AND policy = ? AND value = ?)",
                    (*where, *where, policy, value),
                )
        bound = bounds.get("/id")
        if bound is None:
            return None
        statement = "SELECT epk, number, body FROM items WHERE container = ? AND epk = ?"
        parameters: list[Any] = [*where]
        low, high = ">=" if bound.low_inclusive else ">", "<=" if bound.high_inclusive else "<"
        for end, comparison in ((bound.low, low), (bound.high, high)):
            if isinstance(end, str):
                statement += f" AND id {comparison} ?"
                parameters.append(end)
            elif end is not None:
                return []  # an id is never a number
        return self._store.all(f"{statement} LIMIT ?", (*parameters, _MAX_INDEXED + 1))


def decoded(rows: Iterator[Row]) -> Iterator[Any]:
    """The items themselves."""
    return (orjson.loads(body) for _, _, body in rows)


def _nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for segment in reversed(path):
        value = {segment: value}
    return dict(value)
