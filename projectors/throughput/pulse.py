"""Signs of life of a piece of work: by them a thread that waits for ever is told from one that waits long.

Every answer of the store is one, a refusal too: work that is throttled, or paced by a limit, is alive. Work that
hears nothing for long hangs in a call that has no end, and whoever looks after it (a worker's heartbeat, a process's
own end) must not vouch for it any longer.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SILENCE = 300.0
"""Seconds without a sign of life after which work hangs: beyond any bounded request with all its repetitions."""


class Pulse:
    """Of one piece of work at a time, which may use several threads. `name` is for people."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._heard = 0.0
        self._working = False

    @property
    def silence(self) -> float:
        """Seconds since the last sign of life; 0 between two pieces of work."""
        with self._lock:
            return max(0.0, self._clock() - self._heard) if self._working else 0.0

    def beat(self) -> None:
        with self._lock:
            self._heard = self._clock()

    @contextmanager
    def working(self) -> Iterator[None]:
        """What is answered inside is a sign of life, in this thread and in those that share its context."""
        token = _current.set(self)
        self.beat()
        self._working = True
        try:
            yield
        finally:
            self._working = False
            _current.reset(token)


_current: ContextVar[Pulse | None] = ContextVar("pulse", default=None)


def beat() -> None:
    """A sign of life of whoever's work this is."""
    pulse = _current.get()
    if pulse is not None:
        pulse.beat()
