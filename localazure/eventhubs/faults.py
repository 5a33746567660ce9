"""Faults on purpose: what a network and a busy service do to clients, on demand.

    refuse              an attach is answered with an error and a detach
    detach              a link is detached when its next event is about to pass
    drop                the connection is cut before a sent event is stored or a stored one delivered
    drop-after-store    the connection is cut after storing, before acknowledging: the sender cannot know
    busy                an event is rejected (a receiver: its attach refused) with com.microsoft:server-busy
    slow                storing and acknowledging, or delivering, waits `delay` seconds

Each fault chooses by hub, partition and side of the link, and strikes `times` times or with a probability.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal

Side = Literal["producer", "consumer"]


class FaultKind(StrEnum):
    """What goes wrong."""

    REFUSE = "refuse"
    DETACH = "detach"
    DROP = "drop"
    DROP_AFTER_STORE = "drop-after-store"
    BUSY = "busy"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule; None means any. `times` None strikes without end."""

    kind: FaultKind
    hub: str = "*"
    partition: int | None = None
    side: Side | None = None
    times: int | None = 1
    probability: float = 1.0
    delay: float = 0.0
    condition: str | None = None
    """AMQP error condition for refuse and detach; server-busy and detach-forced by themselves."""

    def fits(self, hub: str, partition: int | None, side: Side) -> bool:
        return (
            fnmatchcase(hub.lower(), self.hub.lower())
            and self.partition in (None, partition)
            and self.side in (None, side)
        )


class Faults:
    """The faults of one server. Any thread may inject; the server's loop strikes."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._active: list[Fault] = []
        self._struck: dict[FaultKind, int] = {}

    def inject(
        self,
        kind: FaultKind | str,
        *,
        hub: str = "*",
        partition: int | None = None,
        side: Side | None = None,
        times: int | None = 1,
        probability: float = 1.0,
        delay: float = 0.0,
        condition: str | None = None,
    ) -> None:
        """Adds a fault; see the module for the kinds, Fault for the choices."""
        if times is not None and times < 1:
            raise ValueError(f"times has to be at least 1, or None for no end, not {times}")
        if not 0 < probability <= 1:
            raise ValueError(f"probability has to be above 0 and at most 1, not {probability}")
        fault = Fault(FaultKind(kind), hub, partition, side, times, probability, delay, condition)
        with self._lock:
            self._active.append(fault)

    def clear(self) -> None:
        """Ends all faults; the counts stay."""
        with self._lock:
            self._active.clear()

    def struck(self, kind: FaultKind | str) -> int:
        """How often a kind of fault has struck so far."""
        with self._lock:
            return self._struck.get(FaultKind(kind), 0)

    def strike(self, kind: FaultKind, hub: str, partition: int | None, side: Side) -> Fault | None:
        """The fault that strikes here and now, counted; None when nothing does."""
        if not self._active:
            return None
        with self._lock:
            for index, fault in enumerate(self._active):
                if fault.kind is not kind or not fault.fits(hub, partition, side):
                    continue
                if fault.probability < 1 and self._random.random() >= fault.probability:
                    continue
                if fault.times is not None:
                    self._active[index] = replace(fault, times=fault.times - 1)
                    if fault.times <= 1:
                        del self._active[index]
                self._struck[kind] = self._struck.get(kind, 0) + 1
                return fault
        return None
