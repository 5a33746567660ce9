"""The SDK's refreshes of what lies where: one at a time for a container, none inside another, none without an end.

azure-cosmos 4.17.1 reads a container's partition key ranges under a lock that is not re-entrant
(`PartitionKeyRangeCache.get_routing_map`). When that read itself is answered "gone" (410, sub-status 1002), the SDK's
own retry refreshes the same ranges again, on the same thread, under the same lock, and waits for itself: for ever, and
with it everybody who asks for that container later. Here such a refresh is refused, which the SDK takes for a refresh
that failed: it forgets what it knew, and the request ends with the 410 that it got.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

from azure.cosmos import CosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError

SDK: Final = "4.17.1"
"""The version that this is written for; a test compares it, and the SDK's lock, with what is installed."""

PATIENCE: Final = 30.0
"""Seconds that a thread waits for another's refresh, which takes a request or two."""

_GONE: Final = 410
_UNAVAILABLE: Final = 503


class RefreshLock:
    """What the SDK holds while it refreshes one container's ranges."""

    def __init__(self, container: str, patience: float) -> None:
        self._container = container
        self._patience = patience
        self._lock = threading.Lock()
        self._holder: int | None = None

    def __enter__(self) -> None:
        """
        Raises:
            CosmosHttpResponseError: this very thread is refreshing (410), or another does not come to an end (503).
        """
        if self._holder == threading.get_ident():
            raise _refusal(_GONE, f"{self._container}: its ranges were gone while they were read")
        if not self._lock.acquire(timeout=self._patience):
            raise _refusal(
                _UNAVAILABLE, f"{self._container}: another thread has been reading its ranges for {self._patience} s"
            )
        self._holder = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._holder = None
        self._lock.release()


def _refusal(status: int, message: str) -> CosmosHttpResponseError:
    made: Callable[[int, str], CosmosHttpResponseError] = CosmosHttpResponseError
    return made(status, message)


class _Locks:
    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._guard = threading.Lock()
        self._locks: dict[str, RefreshLock] = {}

    def of(self, container: str) -> RefreshLock:
        with self._guard:
            return self._locks.setdefault(container, RefreshLock(container, self._patience))


def bound_refreshes(client: CosmosClient, patience: float = PATIENCE) -> CosmosClient:
    """The client itself, whose refreshes all come to an end from here on."""
    provider: Any = client.client_connection._routing_map_provider
    provider._get_lock_for_collection = _Locks(patience).of
    return client
