"""Cursor pages: `limit`, `cursor` and `order` of a query, and the answer `{data, next}`; and periods of days."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import Depends, Query

from functions.http.problems import Problem

__all__ = ["MAX_LIMIT", "Page", "Paging", "require_period"]

MAX_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Paging:
    limit: int
    cursor: str | None
    descending: bool


async def _paging(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="entries per page")] = 50,
    cursor: Annotated[
        str | None,
        Query(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9_-]+$", description="`next` of the page before"),
    ] = None,
    order: Annotated[
        Literal["asc", "desc"], Query(description="oldest or newest first; a cursor keeps the order of its page")
    ] = "asc",
) -> Paging:
    return Paging(limit, cursor, order == "desc")


Page = Annotated[Paging, Depends(_paging)]


def require_period(first: date | None, last: date | None) -> None:
    """Raises Problem for a period that ends before it begins: empty pages would be taken for an answer."""
    if first is not None and last is not None and last < first:
        raise Problem("INVALID_REQUEST", f"the period ends ({last}) before it begins ({first})")
