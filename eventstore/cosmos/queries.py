"""How requests ask for consistency, and how a query runs on a client that other threads use too.

The SDK keeps the headers of the last answer in one dictionary for all threads, adds to it after every call, and copies
it during a query; azure-cosmos 4.17.1 fails there with a RuntimeError when another thread's call ends in that moment. A
query changes nothing, so it is asked again.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from azure.core.paging import ItemPaged

T = TypeVar("T")

_ATTEMPTS: Final = 10
_RACE: Final = "during iteration"


def consistency(session: str | None) -> dict[str, Any]:
    """Request options: see at least what `session`, a session token, has seen; None: whatever the replica has.

    They go with a single request, whatever the client's own consistency is.
    """
    if session is None:
        return {"consistencyLevel": "Eventual"}
    return {"consistencyLevel": "Session", "sessionToken": session}


def unraced(ask: Callable[[], T]) -> T:
    """What `ask` returns. It reads by a query or the change feed, and may be called several times."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return ask()
        except RuntimeError as error:
            if _RACE not in str(error):
                raise
    return ask()


def read_pages(items: ItemPaged[Any], token: str | None = None) -> Iterator[list[Any]]:
    """The pages of what the SDK iterates, from a continuation token on.

    The SDK's iterator of pages refers to itself and holds its last page, which only the garbage collector would free.
    It comes late, since it does not count documents of plain values: a reader of many pages would hold hundreds of MB.
    """
    pages = items.by_page(token)
    try:
        for page in pages:
            yield list(page)
    finally:
        vars(pages).clear()


def query_page(
    ask: Callable[[Callable[[Mapping[str, Any], Any], None]], ItemPaged[Any]], token: str | None
) -> tuple[list[Any], str | None]:
    """One page of a query over all partitions, and the continuation token of the next, None after the last.

    `ask` makes the query with the response hook that it is given, and may be called several times. The token is that of
    the page's own answer: the SDK's iterator takes it from the last answer to any thread.
    """

    def read() -> tuple[list[Any], str | None]:
        captured: list[Mapping[str, Any]] = []
        rows = next(read_pages(ask(lambda headers, _: captured.append(headers)), token), [])
        return rows, captured[-1].get("x-ms-continuation")

    return unraced(read)


def run_query(ask: Callable[[], ItemPaged[dict[str, Any]]], *, limit: int | None = None) -> list[dict[str, Any]]:
    """Everything that a query finds, or the first `limit` of it, in memory. `ask` makes the query and may be called
    several times."""

    def read() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for page in read_pages(ask()):
            rows += page
            if limit is not None and len(rows) >= limit:
                break
        return rows[:limit]

    return unraced(read)
