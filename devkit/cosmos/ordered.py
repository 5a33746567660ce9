"""Pages of results that exist only as a whole: sorted, grouped, aggregated, distinct, cut by TOP or OFFSET.

The next page is found by the last row that was delivered: its resource id and sort values. Only where rows have no
such identity (groups, distinct values) does the token count rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from devkit.cosmos.continuation import Continuation
from devkit.cosmos.page import Page
from devkit.cosmos.scan import Row
from devkit.cosmos.sql import Query


def ordered_page(query: Query, rows: Iterator[Row], start: Continuation, page: Page) -> None:
    """Fill a page with the results after `start`."""
    results = query.evaluate(_counted(rows, page))
    delivered = 0
    anchor: tuple[Any, ...] = ()
    pending = iter(results)
    if start.delivered:
        pending, delivered = _after(pending, start)
    for row in pending:
        if not page.add(orjson.dumps(row)):
            page.continuation = Continuation(start.epk, start.after, 0, delivered, anchor)
            return
        delivered += 1
        anchor = _identity(row)


def _after(results: Iterator[Any], start: Continuation) -> tuple[Iterator[Any], int]:
    """Skip what was delivered: up to the anchor if the row is still there, else by count."""
    rows = list(results)
    place = start.delivered
    if start.anchor:
        matches = [index for index, row in enumerate(rows) if _identity(row) == start.anchor]
        if matches:
            place = min(matches, key=lambda index: abs(index + 1 - start.delivered)) + 1
    return iter(rows[place:]), place


def _identity(row: Any) -> tuple[Any, ...]:
    if isinstance(row, dict) and "_rid" in row:
        return (row["_rid"], *(orjson.dumps(entry).decode() for entry in row.get("orderByItems", ())))
    return ()


def _counted(rows: Iterator[Row], page: Page) -> Iterator[Any]:
    for _, _, body in rows:
        page.scanned += 1
        yield orjson.loads(body)
