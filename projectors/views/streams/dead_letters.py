"""Dead letters of a view of one stream: what waits behind its guard is taken up again, or dropped."""

from datetime import datetime
from typing import Any

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.container import Container
from projectors.errors import Conflict, NotParked, Unavailable
from projectors.views.failure import _TRIES
from projectors.views.streams.batch_writer import BatchWriter
from projectors.views.streams.checkpoint_store import StreamCheckpoints
from projectors.views.streams.isolation import Isolation
from projectors.views.streams.view import StreamView


class StreamDeadLetters:
    """Drains the guards of a view of streams."""

    def __init__(
        self, view: StreamView, generation: int, *, views: Container, history: History, mapper: Mapper[str]
    ) -> None:
        self._view = view
        self._guards = StreamCheckpoints(view, generation, views=views, history=history, mapper=mapper)
        self._writer = BatchWriter(views)

    def retry(self, stream: str) -> dict[str, Any] | None:
        for _ in range(_TRIES):
            guard = self._guards.read(stream)
            if guard.upto is None:
                return None
            upto = guard.upto
            try:
                failed = self._guards.take_up(guard)
            except Conflict:
                continue
            unwritten = self._writer.write([guard])
            if unwritten.rejected:
                return Isolation(self._view, self._guards, self._writer).settle(guard, upto)
            if not unwritten.again:
                return failed
        raise Unavailable(f"{self._view.name}: {stream} keeps changing; try again")

    def drop(self, stream: str, version: int, *, by: str, at: datetime) -> None:
        sent: dict[str, Any] | None = None
        for _ in range(_TRIES):
            guard = self._guards.read(stream)
            if sent in guard.dropped:  # it arrived, and the answer was lost
                return
            if guard.upto is None or guard.error is None or guard.version + 1 != version:
                raise NotParked(self._view.name, stream, version)
            (document, *_) = self._guards.missing(guard, version)
            sent = {**guard.error, "by": by, "at": at.isoformat(timespec="seconds")}
            guard.leave_out(document, sent)
            if guard.version >= guard.upto:
                guard.unpark()
            unwritten = self._writer.write([guard])
            for _, rejected in unwritten.rejected:
                raise rejected
            if not unwritten.again:
                return
        raise Unavailable(f"{self._view.name}: {stream} keeps changing; try again")
