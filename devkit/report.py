"""One line per command of a local run: what happened, and when its account's summary had it.

    201 Deposit alice v4 +5.00 EUR -> account-summary v4 in 38 ms        (the ledger's own line, then its first view)

A thread of its own prints, so that no command waits for the terminal. When commands come faster than lines can be
read (an import), one line a second says how many there were instead.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from azure.core.exceptions import AzureError
from pydantic import BaseModel

from eventstore.commands.store import Outcome
from functions.service import Service
from projectors.errors import ProjectionError
from projectors.views.reader import ViewReader
from projectors.views.streams.view import StreamView

__all__ = ["CommandReport"]

_LINES_PER_SECOND = 20
_FOLLOWED_PER_SECOND = 3
_PATIENCE_SECONDS = 2.0
_LOOK_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class _Seen:
    operation: str
    body: BaseModel | None
    outcome: Outcome
    at: float


class CommandReport:
    """`outcome` is called by the API with every outcome; `close` ends the thread."""

    def __init__(self, service: Service, echo: Callable[[str], None]) -> None:
        self._service = service
        self._echo = echo
        self._seen: queue.SimpleQueue[_Seen | None] = queue.SimpleQueue()
        self._views: ViewReader | None = None
        self._wake: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="report", daemon=True)
        self._thread.start()

    def follow(self, views: ViewReader, wake: Callable[[], None]) -> None:
        """Where the summaries are read, and what makes the consumers look for something new."""
        self._views, self._wake = views, wake

    def outcome(self, operation: str, body: BaseModel | None, outcome: Outcome) -> None:
        self._wake()
        self._seen.put(_Seen(operation, body, outcome, time.monotonic()))

    def close(self) -> None:
        self._seen.put(None)
        self._thread.join()

    def _run(self) -> None:
        window, lines, untold = time.monotonic(), 0, 0
        while (seen := self._seen.get()) is not None:
            if time.monotonic() - window >= 1:
                if untold:
                    self._echo(f"… and {untold:,} more commands")
                window, lines, untold = time.monotonic(), 0, 0
            if lines < _LINES_PER_SECOND:
                lines += 1
                arrival = self._arrival(seen) if lines <= _FOLLOWED_PER_SECOND else ""
                self._echo(self._service.line(seen.operation, seen.body, seen.outcome) + arrival)
            else:
                untold += 1
        if untold:
            self._echo(f"… and {untold:,} more commands")

    def _arrival(self, seen: _Seen) -> str:
        stream, version = seen.outcome.stream, seen.outcome.version
        view = self._view_of(stream)
        if self._views is None or view is None or not seen.outcome.events or seen.outcome.replayed:
            return ""
        while self._seen.empty() and time.monotonic() - seen.at < _PATIENCE_SECONDS:
            try:
                found = self._views.get(view, stream).freshness.version
            except (AzureError, ProjectionError) as error:
                return f" -> {view} cannot be read: {error}"
            if found >= version:
                return f" -> {view} v{found} in {1000 * (time.monotonic() - seen.at):.0f} ms"
            time.sleep(_LOOK_SECONDS)
        return ""

    def _view_of(self, stream: str) -> str | None:
        """The first view that has one item for such a stream."""
        for view in self._service.views.values():
            if isinstance(view, StreamView) and not view.keyed_by_stream and view.reads(stream):
                return view.name
        return None
