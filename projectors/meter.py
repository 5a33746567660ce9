"""What a consumer spends, and how fast it may."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from projectors import metrics
from projectors.errors import Stopping

_CHARGE = "x-ms-request-charge"


@dataclass(frozen=True, slots=True)
class Spent:
    """Totals since the meter was made; seconds are seconds waited for the reason named."""

    events: int
    requests: int
    request_units: float
    throttled: int
    throttled_seconds: float
    paced_seconds: float


class Meter:
    """Counts requests and request units, and holds callers back to `max_ru` request units per second.

    Safe between threads. Pacing is a debt: a request may overdraw (its cost is known only afterwards), the next ones
    wait until the debt is paid, so that the mean over any few seconds stays at the limit.
    """

    def __init__(self, max_ru: float | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_ru = max_ru
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._events = self._requests = self._throttled = 0
        self._units = self._throttled_seconds = self._paced_seconds = 0.0

    def charge(self, headers: Mapping[str, Any]) -> None:
        """Books an answer by its headers."""
        units = float(headers.get(_CHARGE) or 0.0)
        with self._lock:
            self._requests += 1
            self._units += units
            if self._max_ru:
                self._free_at = max(self._free_at, self._clock()) + units / self._max_ru

    def applied(self, events: int) -> None:
        """Books events whose effects are stored."""
        with self._lock:
            self._events += events

    def pace(self, stop: threading.Event) -> None:
        """Waits until the next request may be sent; raises Stopping when told to stop meanwhile."""
        if not self._max_ru:
            return
        delay = self._free_at - self._clock()
        if delay > 0:
            with self._lock:
                self._paced_seconds += delay
            if stop.wait(delay):
                raise Stopping("told to stop while keeping to the limit of request units")

    def throttled(self, seconds: float) -> None:
        """Books a 429 and the wait that it asked for."""
        metrics.throttled.add(seconds)
        with self._lock:
            self._throttled += 1
            self._throttled_seconds += seconds

    def spent(self) -> Spent:
        with self._lock:
            return Spent(
                self._events, self._requests, self._units, self._throttled, self._throttled_seconds, self._paced_seconds
            )
