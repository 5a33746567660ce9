"""How far a long run is: a bar on a terminal, a plain line every five seconds anywhere else."""

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["RunProgress"]

_LINE_SECONDS = 5.0


class RunProgress:
    """Context manager; `advance` may be called from any thread."""

    def __init__(self, what: str, total: int, *, console: Console) -> None:
        self._what = what
        self._total = total
        self._console = console
        self._lock = threading.Lock()
        self._started = self._next_line = 0.0
        self.done = 0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._next_line = self._started + _LINE_SECONDS
        if self._console.is_terminal:
            columns = (TextColumn(self._what), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}/s"))
            self._bar = Progress(*columns, TimeRemainingColumn(), console=self._console)
            self._bar.add_task(self._what, total=self._total, rate="0")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def advance(self) -> None:
        with self._lock:
            self.done += 1
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=self.done, rate=self._rate())
            elif time.monotonic() >= self._next_line:
                self._next_line += _LINE_SECONDS
                share = 100 * self.done // max(self._total, 1)
                self._console.print(
                    f"{self._what}  {self.done:,} / {self._total:,}  {share} %  {self._rate()} rows/s", highlight=False
                )

    def _rate(self) -> str:
        return f"{self.done / max(self.seconds, 0.001):,.0f}"
