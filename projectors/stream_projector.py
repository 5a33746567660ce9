"""Brings one generation of a view up to the log, stream by stream, with effects that happen exactly once.

    1  Read the guard (absent means version 0). Apply, in memory and in order, the events with version > guard.
    2  One batch: the guard, create-if-absent or If-Match, and all changes of items. No change still writes the guard.
    3  409, 412, no answer: back to 1. Never skip.

Guards stay in memory while the range is held, so most pages need no read. That is safe because a guard is never
written without its etag: memory that is out of date costs a conflict, after which the stream is read from the log.
For the same reason a stream that begins in this page (version 1) is taken to have no guard yet, without asking.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from typing import Any

import orjson

from eventstore.documents import RecordedEvent
from eventstore.history import History
from eventstore.mapper import Mapper
from projectors.errors import BrokenLog, PoisonEvent, Rejected, Unanswered, Unavailable
from projectors.feed import Page
from projectors.gateway import Document, Gateway
from projectors.guard import GUARD_PREFIX, Guard, Place
from projectors.view import StreamView
from projectors.writer import GuardWriter

_TRIES = 10


def partition_key(view: str, generation: int, bucket: str) -> str:
    """The logical partition of a bucket of a view's generation."""
    return f"{view}@{generation}:{bucket}"


def guard_place(view: StreamView, generation: int, stream: str) -> Place:
    """Where the guard of a stream lies."""
    return Place(partition_key(view.name, generation, view.bucket(stream)), f"{GUARD_PREFIX}{view.key(stream)}")


class StreamProjector:
    """One lease's handler for a view of streams.

    `park` False makes an event that the view cannot apply raise PoisonEvent instead of parking its stream.
    `max_pending` bounds what is folded in memory before it is written, `max_guards` what is remembered, in documents.
    """

    def __init__(
        self,
        view: StreamView,
        generation: int,
        *,
        views: Gateway,
        history: History,
        mapper: Mapper[str],
        executor: Executor | None = None,
        park: bool = True,
        max_pending: int = 20_000,
        max_guards: int = 20_000,
    ) -> None:
        self._view = view
        self._generation = generation
        self._gateway = views
        self._history = history
        self._mapper = mapper
        self._writer = GuardWriter(views, executor)
        self._park = park
        self._max_pending = max_pending
        self._max_guards = max_guards
        self._guards: OrderedDict[str, Guard] = OrderedDict()
        self._dirty: dict[str, Guard] = {}
        self._pending = 0

    @property
    def due(self) -> bool:
        """Whether memory asks for a flush."""
        return self._pending >= self._max_pending

    def handle(self, page: Page) -> None:
        """Folds the events; nothing is stored before `flush`."""
        streams: dict[str, list[RecordedEvent]] = {}
        for event in page.events:
            found = streams.get(event.stream)
            if found is not None:
                found.append(event)
            elif self._view.reads(event.stream):
                streams[event.stream] = [event]
        self._load([stream for stream, new in streams.items() if stream not in self._guards and new[0].version > 1])
        for stream, new in streams.items():
            guard = self._guards.get(stream)
            if guard is None:
                guard = self._guards[stream] = self._guard(stream)
            else:
                self._guards.move_to_end(stream)
            before = guard.weight
            self._fold(guard, new)
            self._note(guard, before)

    def flush(self) -> None:
        """Stores everything folded. When it returns, all events handled so far have had their effect."""
        for _ in range(_TRIES):
            unwritten = self._writer.write(self._dirty.values())
            self._dirty = {}
            self._pending = 0
            for guard in unwritten.again:
                self._decide_again(guard)
            for guard, error in unwritten.rejected:
                self._isolate(guard, error)
            if not self._dirty:
                self._trim()
                return
        raise Unavailable(f"{self._view.name}: others keep changing the same items; trying again later")

    def drain(self, stream: str) -> Guard:
        """Applies what waits behind a parked event, up to where the parked stream was last seen.

        `upto` goes away in the very write that reaches it; a new failure keeps it. Safe beside running workers.
        """
        conflicts = 0
        while conflicts < _TRIES:
            guard = self._guard(stream, self._stored([stream])[stream])
            if guard.upto is None:
                return guard
            error = self._apply_carefully(guard, self._from_log(guard, guard.upto))
            if guard.version >= guard.upto:
                guard.unpark()
            elif error is not None:
                guard.park(guard.upto, error)
            unwritten = self._writer.write([guard])
            for _, rejected in unwritten.rejected:
                raise rejected
            conflicts += len(unwritten.again)
            if error is not None and not unwritten.again:
                return guard
        raise Unavailable(f"{self._view.name}: {stream} keeps changing; try again")

    def _fold(self, guard: Guard, events: Iterable[RecordedEvent]) -> None:
        types, apply = self._view.types, self._view.apply
        for event in events:
            if event.version <= guard.version:
                continue
            if guard.upto is None and event.version != guard.version + 1:
                self._fold(guard, self._from_log(guard, event.version - 1))
            if guard.upto is not None:
                guard.wait_behind(event.version)
                continue
            if event.type in types:
                guard.change.recorded = event
                try:
                    apply(guard.change, self._mapper.domain_event(event))
                except Exception as error:  # noqa: BLE001 - whatever a view raises parks its stream
                    self._park_at(guard, event, error)
                    continue
            guard.advance(event)
            guard.seal_when_full()

    def _park_at(self, guard: Guard, event: RecordedEvent, error: Exception) -> None:
        """Parks the stream before the event. What was folded so far is folded again, for the failure spoilt it."""
        if not self._park:
            reason = f"{type(error).__name__}: {error}"
            raise PoisonEvent(self._view.name, event.stream, event.version, event.type, reason) from error
        self._reset(guard)
        while guard.upto is None and guard.version < event.version:
            failure = self._apply_carefully(guard, self._from_log(guard, event.version))
            if failure is not None:
                guard.park(event.version, failure)
            guard.seal_when_full()
        guard.wait_behind(event.version)

    def _apply_carefully(self, guard: Guard, events: Iterable[RecordedEvent]) -> dict[str, Any] | None:
        """Applies until a batch is full or an event fails; the failure is undone and described."""
        for event in events:
            state, items = orjson.dumps(guard.change.state), dict(guard.change.items)
            guard.change.recorded = event
            try:
                if event.type in self._view.types:
                    self._view.apply(guard.change, self._mapper.domain_event(event))
            except Exception as error:  # noqa: BLE001 - whatever a view raises is what is told about it
                guard.change.state, guard.change.items = orjson.loads(state), items
                return _failure(event, error)
            guard.advance(event)
            if guard.full:
                break
        return None

    def _decide_again(self, guard: Guard) -> None:
        seen = guard.seen
        self._reset(guard)
        if guard.upto is not None:
            guard.wait_behind(seen)
        elif guard.version < seen:
            self._fold(guard, self._from_log(guard, seen))
        self._note(guard, 0)

    def _isolate(self, guard: Guard, error: Rejected) -> None:
        """Finds the version whose write the store will never take, by writing one at a time, and parks there."""
        seen = guard.seen
        self._reset(guard)
        if guard.upto is None:
            for event in self._from_log(guard, seen):
                self._fold(guard, [event])
                unwritten = self._writer.write([guard])
                if unwritten.again:
                    raise Unavailable(f"{self._view.name}: {guard.stream} changed meanwhile")
                if unwritten.rejected:
                    if not self._park:
                        raise PoisonEvent(self._view.name, event.stream, event.version, event.type, str(error))
                    self._reset(guard)
                    guard.park(seen, _failure(event, error))
                    break
        guard.wait_behind(seen)
        self._note(guard, 0)

    def _note(self, guard: Guard, before: int) -> None:
        if guard.dirty:
            self._dirty[guard.stream] = guard
            self._pending += guard.weight - before

    def _reset(self, guard: Guard) -> None:
        """Forgets what is in memory for what is stored."""
        guard.load(self._stored([guard.stream])[guard.stream])

    def _from_log(self, guard: Guard, upto: int) -> list[RecordedEvent]:
        """The events after the guard up to a version that is known to exist: all of them, or an error.

        A replica may lag behind the feed, so what is missing at first may be there at the next try.
        """
        events = list(self._history.stream(guard.stream, after=guard.version, upto=upto))
        for expected, event in enumerate(events, guard.version + 1):
            if event.version != expected:
                raise BrokenLog(guard.stream, expected)
        if guard.version + len(events) < upto:
            raise Unanswered(f"{guard.stream}: version {upto} is known and not yet to be read")
        return events

    def _load(self, streams: Sequence[str]) -> None:
        for stream, document in self._stored(streams).items():
            self._guards[stream] = self._guard(stream, document)

    def _guard(self, stream: str, document: Document | None = None) -> Guard:
        return Guard(stream, guard_place(self._view, self._generation, stream), document)

    def _stored(self, streams: Sequence[str]) -> dict[str, Document | None]:
        """The guards of the streams as they are stored."""
        places = {stream: guard_place(self._view, self._generation, stream) for stream in streams}
        partitions: dict[str, list[str]] = {}
        for place in places.values():
            partitions.setdefault(place.partition, []).append(place.id)
        found = {
            document["id"]: document
            for partition, ids in partitions.items()
            for document in self._gateway.read_many(partition, ids)
        }
        return {stream: found.get(place.id) for stream, place in places.items()}

    def _trim(self) -> None:
        while len(self._guards) > self._max_guards:
            self._guards.popitem(last=False)


def _failure(event: RecordedEvent, error: Exception) -> dict[str, Any]:
    return {"version": event.version, "type": event.type, "reason": f"{type(error).__name__}: {error}"}
