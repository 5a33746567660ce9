"""How far consumers were behind at the last looks, so that a page can draw it over time. Kept in memory only."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

__all__ = ["LagHistory", "LagSample"]

_KEPT: Final = 240


@dataclass(frozen=True, slots=True)
class LagSample:
    """One consumer at one moment: transactions and seconds behind the log."""

    at: datetime
    transactions: int
    seconds: float


class LagHistory:
    """The last looks of one process. Safe between threads."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._lock = threading.Lock()
        self._kept = kept
        self._samples: dict[str, deque[LagSample]] = {}

    def add(self, at: datetime, lags: Mapping[str, tuple[int, float]]) -> None:
        """What every consumer's lag is at `at`; one that is not named any more is forgotten."""
        with self._lock:
            self._samples = {name: self._samples.get(name, deque(maxlen=self._kept)) for name in lags}
            for name, (transactions, seconds) in lags.items():
                self._samples[name].append(LagSample(at, transactions, seconds))

    def of(self, name: str) -> list[LagSample]:
        """The looks at one consumer, the oldest first."""
        with self._lock:
            return list(self._samples.get(name, ()))
