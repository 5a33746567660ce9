"""How replays look: a live bar on a terminal, a plain line every five seconds elsewhere, JSON lines for machines.

Errors are ordinary lines on standard error and never part of the bar, so that nothing hides them.
"""

import time
from collections.abc import Callable
from dataclasses import asdict

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from audit.formats import counted, duration
from cli.output import json_line
from replay.rebuild.progress import Progress, Rebuilt

_EVERY = 5.0


def told(lag: int | None) -> str:
    """How far something is behind the log."""
    return "unknown" if lag is None else f"{lag:,}"


def line(progress: Progress) -> str:
    """One moment in one line."""
    share = progress.events * 100 // progress.total if progress.total else 100
    parts = [
        f"{progress.events:,} / {progress.total:,}  {share} %",
        f"{progress.rate:,.0f} events/s",
        *([] if progress.lag is None else [f"lag {progress.lag:,}"]),
        f"{progress.request_units:,.0f} RU",
    ]
    if progress.throttled:
        parts.append(f"throttled: 429, waited {duration(progress.throttled)}")
    if progress.paced:
        parts.append(f"paced: --max-ru, waited {duration(progress.paced)}")
    if progress.phase == "comparing":
        parts.append("comparing")
    elif progress.eta is not None:
        parts.append(f"ETA {duration(progress.eta)}")
    return "   ".join(parts)


class RebuildDisplay:
    """Shows one rebuild. Use as a context manager around it and pass `show` as its progress.

    `title` replaces the line that says which generation serves and which is built.
    """

    def __init__(
        self,
        *,
        json: bool,
        title: str | None = None,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._json = json
        self._title = title
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._clock = clock
        self._shown_at = 0.0
        self._begun = False
        self._live: Live | None = None

    def __enter__(self) -> "RebuildDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def show(self, progress: Progress) -> None:
        """A moment of the rebuild."""
        if not self._begun:
            self._begun, self._shown_at = True, self._clock()
            if not self._json:
                self._print(
                    self._title or f"rebuild {progress.view}  v{progress.serves} serves, building v{progress.builds}"
                )
        if self._console.is_terminal and not self._json:
            self._bar(progress)
        elif self._clock() - self._shown_at >= _EVERY:
            self._shown_at = self._clock()
            self._print(json_line("progress", asdict(progress)) if self._json else f"  {line(progress)}")

    def done(self, rebuilt: Rebuilt) -> None:
        """The end of it."""
        self.__exit__()
        comparison = rebuilt.comparison
        if self._json:
            self._print(json_line("done", asdict(rebuilt)))
            return
        differing = len(comparison.different)
        verdict = (
            "digests match"
            if comparison.agrees
            else f"{counted(differing, 'stream')} {'differs' if differing == 1 else 'differ'}, as accepted"
        )
        self._print(f"  digest v{rebuilt.before}  {comparison.left}")
        self._print(
            f"  digest v{rebuilt.generation}  {comparison.right}   {counted(comparison.streams, 'stream')}, "
            f"{counted(comparison.items, 'item')}"
        )
        view, before, after, lag = rebuilt.view, rebuilt.before, rebuilt.generation, told(rebuilt.lag)
        end = (
            f"v{after} serves, lag {lag}. Undo: tidemark replay switch {view} {before}"
            if rebuilt.switched
            else f"v{before} serves on, v{after} has lag {lag}. Use it: tidemark replay switch {view} {after}"
        )
        self._print(
            f"  done: {counted(rebuilt.progress.events, 'event')} in {duration(rebuilt.built_seconds)}, "
            f"{rebuilt.rate:,.0f} events/s, {verdict}; {end}"
        )
        for removed in rebuilt.removed:
            self._print(f"  removed v{removed.generation}, kept long enough: {counted(removed.documents, 'document')}")

    def _bar(self, progress: Progress) -> None:
        grid = Table.grid(padding=(0, 1))
        grid.add_row(ProgressBar(progress.total or 1, progress.events, width=24), Text(line(progress)))
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        if self._clock() - self._shown_at >= 0.1:
            self._shown_at = self._clock()
            self._live.update(grid, refresh=True)

    def _print(self, text: str) -> None:
        self._console.print(Text(text))
