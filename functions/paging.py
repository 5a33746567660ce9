"""Cursor pages: `limit`, `cursor` and `order` of a query, and the answer `{data, next}`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Query

__all__ = ["MAX_LIMIT", "Page", "Paging"]

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
