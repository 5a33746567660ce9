"""What a range had to do again, and when it had done what: kept in its lease, where other processes can read it.

A lease is written with every page anyway, so that costs no request. `Retries` are totals of the range; a `Sample` is
what the totals were at a moment. A lease keeps two samples, taken ten seconds apart or more, so the rate of late is
(totals now - totals of the older sample) / (now - its time): 900 events at 12:00:00 and 1,500 at 12:00:20 are 30 a
second. When nobody works any more, the time goes on and the rate falls to nothing.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import asdict, dataclass
from typing import Any

_MARK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Retries:
    """Why something was sent, or decided, again.

    `throttled`: the store said 429. `conflicts`: somebody else's write was there first (409, 412). `errors`: no answer,
    or a step failed for another reason.
    """

    throttled: int = 0
    conflicts: int = 0
    errors: int = 0

    @property
    def all(self) -> int:
        return self.throttled + self.conflicts + self.errors

    def __add__(self, other: "Retries") -> "Retries":
        return Retries(self.throttled + other.throttled, self.conflicts + other.conflicts, self.errors + other.errors)

    def __sub__(self, other: "Retries") -> "Retries":
        """What came after `other`; never less than nothing, for totals begin again where a range is new."""
        return Retries(
            max(0, self.throttled - other.throttled),
            max(0, self.conflicts - other.conflicts),
            max(0, self.errors - other.errors),
        )

    def document(self) -> dict[str, int]:
        return asdict(self)


NO_RETRIES = Retries()


@dataclass(frozen=True, slots=True)
class Sample:
    """The totals `events` and `retries` at a time, in seconds since 1970."""

    at: float
    events: int
    retries: Retries

    def document(self) -> list[float]:
        """Short, for every lease carries two."""
        return [round(self.at, 3), self.events, self.retries.throttled, self.retries.conflicts, self.retries.errors]

    @classmethod
    def from_document(cls, document: Sequence[Any]) -> "Sample":
        at, events, *retries = document
        return cls(at, events, Retries(*retries))


def marked(marks: tuple[Sample, ...], now: Sample) -> tuple[Sample, ...]:
    """The marks once the lease is written with the totals of `now`: two, ten seconds apart at least."""
    if marks and now.at - marks[-1].at < _MARK_SECONDS:
        return marks
    return (*marks[-1:], Sample(round(now.at, 3), now.events, now.retries))


class RetryCounter:
    """Counts for one hold of a lease. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted = Retries()

    @property
    def counted(self) -> Retries:
        return self._counted

    def add(self, retries: Retries) -> None:
        with self._lock:
            self._counted += retries

    @contextmanager
    def booking(self) -> Iterator[None]:
        """What is sent inside is booked here, in this thread and in those of a `CountingExecutor`."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


_current: ContextVar[RetryCounter | None] = ContextVar("tally", default=None)


def book(retries: Retries) -> None:
    """Counts for whoever's work this is; nobody's while a worker looks after its leases."""
    tally = _current.get()
    if tally is not None:
        tally.add(retries)


class CountingExecutor(ThreadPoolExecutor):
    """Its threads work for the tally of whoever submits."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(copy_context().run, fn, *args, **kwargs)
