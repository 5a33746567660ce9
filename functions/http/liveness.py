"""Whether a process still lives: what has been under way for so long that it hangs, and how such a process ends.

A thread that hangs in a call can be neither woken nor ended, and goes on holding what it has: a stream's turn, a place
among the threads. So whoever waits for it is answered (`functions.http.answered`), and the process is started again by
its host, which is told by /health/live or by the process's end.
"""

import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

__all__ = ["LONGEST", "Liveness", "Requests"]

LONGEST: Final = 60.0
"""Seconds that a request may take; the store's own limits end it long before, unless something hangs."""

_EVERY: Final = 5.0
_GRACE: Final = 15.0
_HUNG: Final = 1

_log = logging.getLogger(__name__)


class Requests:
    """The requests under way in this process. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._began: dict[int, tuple[str, float]] = {}

    def begin(self, name: str) -> int:
        """A request begins; the number to end it by."""
        number = next(self._numbers)
        self._began[number] = (name, self._clock())
        return number

    def end(self, number: int) -> None:
        """It is answered, or given up by those who asked; once more does nothing."""
        self._began.pop(number, None)

    @property
    def hanging(self) -> list[str]:
        """Those that have been running for more than a minute, the oldest first."""
        late = self._clock() - LONGEST
        return [name for name, began in list(self._began.values()) if began < late]


class Liveness:
    """Ends a process in which something hangs: first as asked to, so that what lives is given back, then at once.

    A context manager around the work; `hanging` names what hangs.
    """

    def __init__(
        self,
        hanging: Callable[[], list[str]],
        stop: threading.Event,
        *,
        every: float = _EVERY,
        grace: float = _GRACE,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self._hanging = hanging
        self._stop = stop
        self._every = every
        self._grace = grace
        self._end = end
        self._over = threading.Event()
        self._hung = False
        self._thread = threading.Thread(target=self._watch, name="liveness", daemon=True)

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            hanging = self._hanging()
            if hanging:
                _log.critical("%s: no sign of life; this process ends, start it again", ", ".join(hanging))
                self._hung = True
                self._stop.set()
                if not self._over.wait(self._grace):
                    self._end(_HUNG)
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The interpreter's own end would wait for the threads that hang."""
        self._over.set()
        self._thread.join()
        if self._hung:
            logging.shutdown()
            self._end(_HUNG)
