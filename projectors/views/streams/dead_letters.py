"""dead_letters."""

from datetime import datetime
from typing import Any

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.container import Gateway
from projectors.errors import NotParked, Unavailable
from projectors.views.failure import _TRIES
from projectors.views.streams.batch_writer import GuardWriter
from projectors.views.streams.checkpoint_store import Guards
from projectors.views.streams.view import StreamView


class StreamDrain:
    """Drains the guards of a view of streams."""

    def __init__(
        self, view: StreamView, generation: int, *, views: Gateway, history: History, mapper: Mapper[str]
    ) -> None:
        self._view = view
        self._guards = Guards(view, generation, views=views, history=history, mapper=mapper)
        self._writer = GuardWriter(views)

    def retry(self, stream: str) -> dict[str, Any] | None:
        conflicts = 0
        while conflicts < _TRIES:
            guard = self._guards.read(stream)
            if guard.upto is None:
                return None
            failed = self._guards.apply_carefully(guard, self._guards.missing(guard, guard.upto))
            if guard.version >= guard.upto:
                guard.unpark()
            elif failed is not None:
                guard.park(guard.upto, failed)
            unwritten = self._writer.write([guard])
            for _, rejected in unwritten.rejected:
                raise rejected
            conflicts += len(unwritten.again)
            if failed is not None and not unwritten.again:
                return failed
        raise Unavailable(f"{self._view.name}: {stream} keeps changing; try again")

    def drop(self, stream: str, version: int, *, by: str, at: datetime) -> None:
        for _ in range(_TRIES):
            guard = self._guards.read(stream)
            if guard.upto is None or guard.error is None or guard.version + 1 != version:
                raise NotParked(self._view.name, stream, version)
            (document, *_) = self._guards.missing(guard, version)
            guard.leave_out(document, {**guard.error, "by": by, "at": at.isoformat(timespec="seconds")})
            if guard.version >= (guard.upto or 0):
                guard.unpark()
            unwritten = self._writer.write([guard])
            if not unwritten.again:
                return
        raise Unavailable(f"{self._view.name}: {stream} keeps changing; try again")
