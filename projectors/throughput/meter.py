"""What a consumer spends."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from projectors import metrics
from projectors.throughput import pulse
from projectors.throughput.limiter import RateLimiter

_CHARGE = "x-ms-request-charge"


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
    """Counts events, requests and request units. Safe between threads.

    `allowance` is the one that the client was opened with, where its request units are limited.
    """

    def __init__(self, allowance: RateLimiter | None = None) -> None:
        self._allowance = allowance
        self._waited_before = allowance.waited if allowance else 0.0
        self._lock = threading.Lock()
        self._events = self._pending = self._requests = self._throttled = 0
        self._units = self._throttled_seconds = 0.0

    def charge(self, headers: Mapping[str, Any]) -> None:
        """Books an answer by its headers: whoever asked is alive."""
        pulse.beat()
        if self._allowance and not self._allowance.in_use:
            raise ValueError("the limit has no effect: open the client with connect(settings, observer=allowance)")
        units = float(headers.get(_CHARGE) or 0.0)
        with self._lock:
            self._requests += 1
            self._units += units

    def fitting(self, kind: str, about: str, wanted: int) -> int:
        """How many items or operations a request may have: so many as wanted, or what fits the limit."""
        return min(wanted, self._allowance.fitting(kind, about)) if self._allowance else wanted

    def handled(self, events: int) -> None:
        """Books events that are worked out in memory; a negative number, those that are forgotten again."""
        with self._lock:
            self._pending += events

    def applied(self, events: int) -> None:
        """Books events, handled before, whose effects are stored."""
        with self._lock:
            self._pending -= events
            self._events += events

    def throttled(self, seconds: float) -> None:
        """Books a 429 and the wait that it asked for."""
        pulse.beat()
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
                self._allowance.waited - self._waited_before if self._allowance else 0.0,
            )
