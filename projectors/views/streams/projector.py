"""Brings one generation of a view up to the log, stream by stream, with effects that happen exactly once.

    1  Read the guard (absent means version 0). Apply, in memory and in order, the events with version > guard.
    2  One batch: the guard, create-if-absent or If-Match, and all changes of items. No change still writes the guard.
    3  409, 412, no answer: back to 1, for the same events; the position does not move past events that are not stored.

Guards stay in memory while the range is held, so most pages need no read. That is safe because a guard is never
written without its etag: memory that is out of date costs a conflict, after which the stream is read from the log.
For the same reason a stream that begins in this page (version 1) is taken to have no guard yet, without asking.

An event that the view cannot apply, or whose effect the store will never take, parks its stream inside the guard. If
even that is refused, the stream is left as it is stored, for as long as the handler lives.
"""

import logging
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Executor

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.container import Container, Document
from projectors.errors import Rejected, Unavailable
from projectors.feed.change_feed import Page
from projectors.views.failure import is_known
from projectors.views.streams.batch_writer import BatchWriter
from projectors.views.streams.checkpoint import StreamCheckpoint
from projectors.views.streams.checkpoint_store import StreamCheckpoints
from projectors.views.streams.isolation import Isolation
from projectors.views.streams.view import MAX_ITEMS_PER_EVENT, StreamView

_log = logging.getLogger(__name__)
_TRIES = 10


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
        views: Container,
        history: History,
        mapper: Mapper[str],
        executor: Executor | None = None,
        park: bool = True,
        max_pending: int = 20_000,
        max_guards: int = 5_000,
    ) -> None:
        self._view = view
        self._mapper = mapper
        self._store = StreamCheckpoints(view, generation, views=views, history=history, mapper=mapper)
        self._writer = BatchWriter(views, executor)
        self._isolation = Isolation(view, self._store, self._writer, park=park)
        self._max_pending = max_pending
        self._max_guards = max_guards
        self._guards: OrderedDict[str, StreamCheckpoint] = OrderedDict()
        self._dirty: dict[str, StreamCheckpoint] = {}
        self._stopped: set[str] = set()
        self._pending = 0
        self._items_together = MAX_ITEMS_PER_EVENT

    @property
    def due(self) -> bool:
        """Whether memory asks for a flush."""
        return self._pending >= self._max_pending

    def handle(self, page: Page) -> None:
        """Folds the events; nothing is stored before `flush`."""
        self._items_together = min(MAX_ITEMS_PER_EVENT, max(1, self._writer.room // 2))
        streams: dict[str, list[Document]] = {}
        for document in page.documents:
            stream = document["streamId"]
            found = streams.get(stream)
            if found is not None:
                found.append(document)
            elif self._view.reads(stream) and stream not in self._stopped:
                streams[stream] = [document]
        unknown = [stream for stream, new in streams.items() if stream not in self._guards and new[0]["version"] > 1]
        for guard in self._store.read_all(unknown):
            self._guards[guard.stream] = guard
        for stream, new in streams.items():
            known = self._guards.get(stream)
            if known is None:
                known = self._guards[stream] = self._store.new(stream)
            else:
                self._guards.move_to_end(stream)
            before = known.weight
            self._fold(known, new)
            known.change.document = {}  # thousands of guards outlive the page
            self._note(known, before)

    def flush(self) -> None:
        """Stores everything folded. When it returns, all events handled so far have had their effect."""
        for _ in range(_TRIES):
            unwritten = self._writer.write(self._dirty.values())
            written, self._dirty, self._pending = self._dirty, {}, 0
            for guard in unwritten.again:
                del written[guard.stream]
                self._decide_again(guard)
            for guard, _ in unwritten.rejected:
                del written[guard.stream]
                self._isolate(guard)
            for guard in written.values():
                self._isolation.tell(guard)
            if not self._dirty:
                self._trim()
                return
        raise Unavailable(f"{self._view.name}: others keep changing the same items; trying again later")

    def _fold(self, guard: StreamCheckpoint, documents: Sequence[Document]) -> None:
        concerns, apply, event_of = self._view.concerns, self._view.apply, self._mapper.event_of
        for position, document in enumerate(documents):
            in_turn = document["version"] == guard.version + 1 and guard.upto is None
            if not in_turn and not self._brought_to(guard, document["version"]):
                continue
            if not self._store.named.look_up(guard, documents, position):
                self._fold(guard, documents[position:])
                return
            is_refused = False
            try:
                if concerns(document):
                    guard.change.document = document
                    apply(guard.change, event_of(document))
                guard.advance(document)
                if guard.change.items:
                    guard.seal_when_full(self._items_together)
            except Exception:  # noqa: BLE001 - whatever a view raises parks its stream, and is raised once more there
                is_refused = True
            if is_refused:  # not while the error is handled: the SDK's own errors take in the text of such a one
                self._park_at(guard, document["version"])

    def _brought_to(self, guard: StreamCheckpoint, version: int) -> bool:
        """Applies what is missing before a version; False when that one is not to be applied."""
        if guard.error is not None and is_known(guard.error["type"], guard.error.get("needs_schema")):
            self._store.take_up(guard)
        if version <= guard.version:
            return False
        if guard.upto is None and version != guard.version + 1:
            self._fold(guard, self._store.missing(guard, version - 1))
        if guard.upto is not None:
            guard.wait_behind(version)
            return False
        return True

    def _park_at(self, guard: StreamCheckpoint, version: int) -> None:
        """Parks the stream before what fails, up to a version. All is folded again, for the failure spoilt it."""
        self._store.reload(guard)
        if guard.upto is None and guard.version < version:
            failed = self._store.bring(guard, version)
            if failed is not None:
                self._isolation.park(guard, failed, version)
        guard.wait_behind(version)

    def _decide_again(self, guard: StreamCheckpoint) -> None:
        seen = guard.seen
        self._store.reload(guard)
        if guard.upto is not None:
            guard.wait_behind(seen)
        elif guard.version < seen:
            self._fold(guard, self._store.missing(guard, seen))
        self._note(guard, 0)

    def _isolate(self, guard: StreamCheckpoint) -> None:
        seen = guard.seen
        self._store.reload(guard)
        if guard.upto is None:
            try:
                self._isolation.settle(guard, seen)
            except Rejected as error:
                self._stopped.add(guard.stream)
                _log.error("%s leaves %s out while its range is held: %s", self._view.name, guard.stream, error)
                return
        guard.wait_behind(seen)
        self._note(guard, 0)

    def _note(self, guard: StreamCheckpoint, before: int) -> None:
        if guard.dirty:
            self._dirty[guard.stream] = guard
            self._pending += guard.weight - before

    def _trim(self) -> None:
        while len(self._guards) > self._max_guards:
            self._guards.popitem(last=False)
