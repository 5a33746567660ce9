"""What happens once before a worker's first page of a view: what an older program did not know is taken up again.

A new program is deployed while events of it exist already: whoever read them before parked their streams. When a worker
that knows them comes to a range, it drains them as `tidemark replay deadletters retry` would: whatever else works on
the view meanwhile, everything is applied once. And a view that other code began to make is named in the log: nothing
goes wrong at once, but only a rebuild makes one thing of it.
"""

import logging

from projectors.consumer import Handler
from projectors.container import Container
from projectors.errors import ProjectionError
from projectors.feed.change_feed import Page
from projectors.generations.registry import Registry
from projectors.views.dead_letters import DeadLetters, all_dead_letters
from projectors.views.failure import is_known
from projectors.views.view import View

_log = logging.getLogger(__name__)


class Resumption:
    """For one generation of one view, once: before the first page that is handled."""

    def __init__(self, view: View, generation: int, *, views: Container, drain: DeadLetters) -> None:
        self._view = view
        self._generation = generation
        self._views = views
        self._drain = drain
        self._is_done = False

    def run(self) -> None:
        """Drains every stream that waits for what this program knows. What fails stays parked, for the next to come."""
        if self._is_done:
            return
        self._compare()
        waiting = all_dead_letters(self._views, self._view.name, self._generation)
        for stream in sorted({found.stream for found in waiting if is_known(found.type, found.needs_schema)}):
            self._retry(stream)
        self._is_done = True

    def _compare(self) -> None:
        shape = self._view.shape
        began = Registry(self._views).describe(self._view.name, self._generation, shape)
        if began != shape:
            _log.warning(
                "%s@%d was begun by other code (%s, this is %s): `tidemark replay rebuild %s` makes it anew",
                self._view.name,
                self._generation,
                began,
                shape,
                self._view.name,
            )

    def _retry(self, stream: str) -> None:
        try:
            failed = self._drain.retry(stream)
        except ProjectionError as error:
            _log.warning("%s@%d: %s stays parked for now: %s", self._view.name, self._generation, stream, error)
            return
        if failed is None:
            _log.info("%s@%d: %s goes on: its type is known now", self._view.name, self._generation, stream)


class Resumed:
    """A handler that lets a resumption run before its first page."""

    def __init__(self, handler: Handler, resumption: Resumption) -> None:
        self._handler = handler
        self._resumption = resumption

    @property
    def due(self) -> bool:
        return self._handler.due

    def handle(self, page: Page) -> None:
        self._resumption.run()
        self._handler.handle(page)

    def flush(self) -> None:
        self._handler.flush()
