"""What a consumer spends, and how fast it may."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from projectors import metrics
from projectors.errors import Stopping

_CHARGE = "x-ms-request-charge"
_FADING = 0.9


@dataclass(frozen=True, slots=True)
class Spent:
    """Totals since the meter was made; seconds are seconds waited for the reason named.

    The effects of `events` are stored; `pending` more are worked out in memory at this moment.
    """

    events: int
    pending: int
    requests: int
    request_units: float
    throttled: int
    throttled_seconds: float
    paced_seconds: float


class Meter:
    """Counts requests and request units, and holds callers back to `max_ru` request units per second.

    Safe between threads. Pacing is a debt: a request may overdraw (its cost is known only afterwards), the next ones
    wait until the debt is paid. Until its cost is known, a request is held to cost what the dearest of late did, so
    that several at a time do not overdraw together: over any time the limit is exceeded by one request at most.
    """

    def __init__(self, max_ru: float | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_ru = max_ru
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = self._expected = self._paced_until = 0.0
        self._sent = threading.local()
        self._events = self._pending = self._requests = self._throttled = 0
        self._units = self._throttled_seconds = self._paced_seconds = 0.0

    def charge(self, headers: Mapping[str, Any]) -> None:
        """Books an answer by its headers."""
        units = float(headers.get(_CHARGE) or 0.0)
        with self._lock:
            self._requests += 1
            self._units += units
            if self._max_ru:
                self._settle(units, self._max_ru)

    def handled(self, events: int) -> None:
        """Books events that are worked out in memory; a negative number, those that are forgotten again."""
        with self._lock:
            self._pending += events

    def applied(self, events: int) -> None:
        """Books events, handled before, whose effects are stored."""
        with self._lock:
            self._pending -= events
            self._events += events

    def pace(self, stop: threading.Event) -> None:
        """Waits until the next request may be sent; raises Stopping when told to stop meanwhile."""
        if not self._max_ru:
            return
        while True:
            with self._lock:
                now = self._clock()
                delay = self._free_at - now
                if delay <= 0:
                    self._free_at = now + self._expected / self._max_ru
                    self._sent.reserved = self._expected
                    return
                self._paced_seconds += self._free_at - max(now, min(self._paced_until, self._free_at))
                self._paced_until = max(self._paced_until, self._free_at)
            if stop.wait(delay):
                raise Stopping("told to stop while keeping to the limit of request units")

    def _settle(self, units: float, max_ru: float) -> None:
        """What was reserved is put right; further pages of a query, for which nothing was, are owed from now on."""
        reserved = getattr(self._sent, "reserved", None)
        self._sent.reserved = None
        self._expected = max(units, _FADING * self._expected)
        if reserved is None:
            self._free_at = max(self._free_at, self._clock()) + units / max_ru
        else:
            self._free_at += (units - reserved) / max_ru

    def throttled(self, seconds: float) -> None:
        """Books a 429 and the wait that it asked for."""
        metrics.throttled.add(seconds)
        with self._lock:
            self._throttled += 1
            self._throttled_seconds += seconds

    def spent(self) -> Spent:
        with self._lock:
            return Spent(
                self._events,
                self._pending,
                self._requests,
                self._units,
                self._throttled,
                self._throttled_seconds,
                self._paced_seconds,
            )
