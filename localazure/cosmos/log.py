"""The request log: what was asked, how it was answered, what it cost."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from time import time
from typing import Any

DEFAULT_CAPACITY = 20_000

Kind = tuple[str, str, str, int, int]
"""Operation, database, container, status, sub-status."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One answered request."""

    operation: str
    """create, read, replace, upsert, delete, patch, batch, query, queryplan, changefeed, list, pkranges, account,
    container.read, database.create, offer.replace …"""
    database: str
    container: str
    status: int
    """HTTP status; 0 when the connection was reset without an answer."""
    sub_status: int
    charge: float
    """Request units."""
    duration: float
    """Seconds inside the server."""
    at: float
    """When it was answered, in seconds since 1970."""


class RequestLog:
    """Keeps the last `capacity` requests, and exact counts of all since the last `clear`."""

    def __init__(self, capacity: int = DEFAULT_CAPACITY) -> None:
        self._lock = threading.Lock()
        # Plain tuples: the garbage collector does not follow them, so a long log costs the requests nothing.
        self._entries: deque[tuple[Kind, float, float, float]] = deque(maxlen=capacity)
        self._counts: Counter[Kind] = Counter()
        self._charge = 0.0

    def add(self, kind: Kind, charge: float, duration: float) -> None:
        """Note one answered request: its request units, and its seconds inside the server."""
        with self._lock:
            self._counts[kind] += 1
            self._charge += charge
            self._entries.append((kind, charge, duration, time()))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._counts.clear()
            self._charge = 0.0

    def count(
        self,
        operation: str | None = None,
        *,
        database: str | None = None,
        container: str | None = None,
        status: int | None = None,
    ) -> int:
        """How many requests there were, of one kind if given; exact however many there were."""
        wanted = (operation, database, container, status)
        with self._lock:
            return sum(
                number
                for key, number in self._counts.items()
                if all(want is None or want == have for want, have in zip(wanted, key, strict=False))
            )

    def filter(
        self,
        operation: str | None = None,
        *,
        database: str | None = None,
        container: str | None = None,
        status: int | None = None,
    ) -> list[Entry]:
        """The kept entries of one kind, oldest first."""
        return [
            entry
            for entry in self
            if (operation is None or entry.operation == operation)
            and (database is None or entry.database == database)
            and (container is None or entry.container == container)
            and (status is None or entry.status == status)
        ]

    @property
    def charge(self) -> float:
        """Request units since the last `clear`."""
        with self._lock:
            return self._charge

    def dearest(self, seconds: float = 1.0) -> float:
        """The request units of the dearest so many seconds, wherever they begin, as far as entries are kept."""
        within: deque[tuple[float, float]] = deque()
        total = most = 0.0
        for at, charge in sorted((entry.at, entry.charge) for entry in self):
            within.append((at, charge))
            total += charge
            while within[0][0] <= at - seconds:
                total -= within.popleft()[1]
            most = max(most, total)
        return most

    def as_json(self) -> list[dict[str, Any]]:
        """The kept entries for the control endpoint."""
        return [asdict(entry) for entry in self]

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            kept = list(self._entries)
        return (Entry(*kind, *figures) for kind, *figures in kept)

    def __len__(self) -> int:
        return self.count()
