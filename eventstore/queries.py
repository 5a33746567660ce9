"""How requests ask for consistency, and how a query runs on a client that other threads use too.

The SDK keeps the headers of the last answer in one dictionary for all threads, adds to it after every call, and copies
it during a query; azure-cosmos 4.17.1 fails there with a RuntimeError when another thread's call ends in that moment. A
query changes nothing, so it is asked again.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

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


def run_query(ask: Callable[[], Iterable[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Everything that a query finds, in memory. `ask` makes the query and may be called several times."""
    return unraced(lambda: list(ask()))
