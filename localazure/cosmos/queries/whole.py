"""Pages of results that exist only as a whole: sorted, grouped, aggregated, distinct, cut by TOP or OFFSET.

A page of a sorted result goes on behind the last row that was delivered, found by its resource id and sort values; when
that row is gone, behind the place where it would be. Only where rows have no such place (groups, distinct values,
cuts) does the token count rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from localazure.cosmos.queries.scan import Row
from localazure.cosmos.sql import UNDEFINED, Query
from localazure.cosmos.sql.values import sort_key
from localazure.cosmos.storage.continuation import Continuation
from localazure.cosmos.storage.page import Page

_MAX_ANCHOR = 700
"""Bytes of sort values that a token carries; a token has to fit into a header."""


@dataclass(frozen=True, slots=True)
class Result:
    """One row of a result, and where it stands if the result is sorted."""

    value: Any
    rid: str = ""
    keys: tuple[Any, ...] = ()
    """The `{"item": value}` objects it was sorted by."""

    def anchor(self) -> tuple[Any, ...]:
        """What a token remembers of the row."""
        if not self.rid:
            return ()
        return (self.rid, *self.keys) if len(orjson.dumps(self.keys)) <= _MAX_ANCHOR else (self.rid,)


def whole_page(query: Query, keyed: Query | None, items: Iterator[Any], start: Continuation, page: Page) -> None:
    """Fill a page with the results after `start`.

    `keyed` is the same sorted query in the form that gives every row its resource id and sort values.
    """
    results = _results(query, keyed, items)
    delivered = 0
    if start.delivered:
        everything = list(results)
        delivered = _place(everything, start, [descending for _, descending in query.order_by])
        results = iter(everything[delivered:])
    last = Result(None)
    for result in results:
        if not page.add(orjson.dumps(result.value)):
            page.continuation = Continuation(start.epk, start.after, 0, delivered, last.anchor())
            return
        delivered += 1
        last = result


def _results(query: Query, keyed: Query | None, items: Iterator[Any]) -> Iterator[Result]:
    if keyed is None:
        for row in query.evaluate(items):
            # A client that merges partitions asks in the keyed form itself.
            if query.order_by and isinstance(row, dict) and "_rid" in row and "orderByItems" in row:
                yield Result(row, row["_rid"], tuple(row["orderByItems"]))
            else:
                yield Result(row)
        return
    for row in keyed.evaluate(items):
        if "payload" in row:
            yield Result(row["payload"], row["_rid"], tuple(row["orderByItems"]))


def _place(results: Sequence[Result], start: Continuation, descending: Sequence[bool]) -> int:
    """How many results come before the next page."""
    if not start.anchor:
        return start.delivered
    rid, *keys = start.anchor
    same = [index for index, result in enumerate(results) if result.rid == rid and list(result.keys) == keys]
    if same:
        return min(same, key=lambda index: abs(index + 1 - start.delivered)) + 1
    if len(keys) != len(descending):
        return start.delivered
    wanted = [_key(key) for key in keys]
    return sum(_is_before(result, wanted, descending) for result in results)


def _is_before(result: Result, wanted: Sequence[Any], descending: Sequence[bool]) -> bool:
    """Whether a row sorts strictly before the values of a row that is gone."""
    for key, other, is_descending in zip(map(_key, result.keys), wanted, descending, strict=True):
        if key != other:
            return bool(key > other) if is_descending else bool(key < other)
    return False


def _key(entry: Any) -> Any:
    return sort_key(entry.get("item", UNDEFINED))


def loaded(rows: Iterator[Row], page: Page) -> Iterator[Any]:
    """The items of these rows; the page counts what was looked at."""
    for _, _, body in rows:
        page.scanned += 1
        page.loaded += len(body)
        yield orjson.loads(body)
