"""Processes of a domain: the consumers that drive them, and the watchdog that takes up what those could not finish."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from projectors.consumer import Consumer
from projectors.throughput.pulse import Pulse


class Visited(Protocol):
    """What one visit came to."""

    @property
    def failures(self) -> Mapping[str, str]:
        """What could not be done, and why."""


class Watchdog(Protocol):
    """Looks around once, or again and again; any number may do so at the same time."""

    @property
    def pulse(self) -> Pulse:
        """How long it has heard nothing of what it waits for."""

    def visit(self, seconds: float = ..., *, stop: threading.Event | None = None) -> Visited:
        """Begins nothing more after `seconds`, or on `stop`."""

    def run(self, stop: threading.Event) -> None:
        """Visits until `stop` is set."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of a domain: consumers that drive them, and the watchdog for what those leave, if there is one."""

    consumers: Sequence[Consumer] = ()
    watchdog: Watchdog | None = None
