"""How many request units a second one client may spend: `--max-ru`.

    limiter = RateLimiter(500)
    client = connect(settings, observer=limiter)

Every HTTP request of the client waits for its turn, in the order of asking. `projectors.throughput.window` has why no
second holds more than the limit, `projectors.throughput.charges` how a request's cost is known before it is sent.
Requests that can be made smaller ask `fitting` and are.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from projectors.throughput.charges import BATCH, ChargeEstimates, Size, size_of
from projectors.throughput.window import SlidingWindow

_CHARGE = "x-ms-request-charge"
_ITEMS = "x-ms-item-count"
_PART, _PART_OF_A_BATCH = 0.5, 0.9
"""Share of a second's request units that one request may take, so that others fit beside it. A batch may take more:
each one carries a guard as well, so a few large batches cost less than many small ones."""
_LOOK = 1.0


class RateLimiter:
    """At most `max_ru` request units in any second. Safe between threads.

    Where a request turns out dearer than those like it, the limit is exceeded by the difference, once; a single item
    that costs more than the limit is sent alone.
    """

    def __init__(self, max_ru: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_ru = max_ru
        self._clock = clock
        self._window = SlidingWindow(max_ru)
        self._costs = ChargeEstimates()
        self._changed = threading.Condition()
        self._line: deque[object] = deque()
        self.in_use = False
        """Whether a client was opened with it and has sent something."""
        self.waited = 0.0
        """Seconds in which the next request had to wait."""

    def fitting(self, kind: str, about: str) -> int:
        """How many items or operations a request of this kind may have to leave room for others."""
        part = _PART_OF_A_BATCH if kind == BATCH else _PART
        return self._costs.fitting(kind, about, part * self._window.limit)

    def before(self, request: Any) -> tuple[Size, float]:
        """Waits until the request may be sent."""
        self.in_use = True
        size = size_of(request)
        taken = self._costs.expected(size)
        self._wait_for(taken)
        return size, taken

    def after(self, _: Any, response: Any | None, noted: tuple[Size, float]) -> None:
        """Without an answer the request has cost what was expected."""
        size, taken = noted
        cost = taken
        if response is not None:
            cost = float(response.headers.get(_CHARGE) or 0.0)
            if response.status_code < 300:
                items = response.headers.get(_ITEMS)
                self._costs.learn(size, cost, None if items is None else int(items))
        with self._changed:
            self._window.settle(taken, cost, self._clock())
            self._changed.notify_all()

    @contextmanager
    def lent(self, share: float) -> Iterator[float]:
        """Leaves this share of the limit, in request units per second, to other processes for a while."""
        theirs = share * self.max_ru
        with self._changed:
            self._window.limit = self.max_ru - theirs
        try:
            self._wait_for(0.0)  # until what was sent under the whole limit is over
            with self._changed:
                self._window.settle(0.0, 0.0, self._clock())
            yield theirs
        finally:
            with self._changed:
                self._window.limit = self.max_ru
                self._window.spend(theirs, self._clock())

    def _wait_for(self, units: float) -> None:
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or not self._window.take(units, self._clock()):
                    self._wait_a_turn(first=self._line[0] is ticket)
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()

    def _wait_a_turn(self, *, first: bool) -> None:
        began, opens = self._clock(), self._window.opens()
        self._changed.wait(_LOOK if opens is None or not first else max(0.0, opens - began))
        if first:
            self.waited += self._clock() - began
