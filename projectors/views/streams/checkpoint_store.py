"""The guards of one generation of a view of streams, as they are stored, and the log behind them."""

from collections.abc import Sequence
from typing import Any

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.container import Container, Document
from projectors.errors import BrokenLog, Conflict, Rejected, Unanswered
from projectors.generations.generation import GUARD_PREFIX, Place, partition_key, stored_name
from projectors.storable import check_size, check_value, size
from projectors.views.failure import failure
from projectors.views.streams.checkpoint import Segment, StreamCheckpoint, operations
from projectors.views.streams.named_items import NamedItems
from projectors.views.streams.view import StreamView


def guard_place(view: StreamView, generation: int, stream: str) -> Place:
    """Where the guard of a stream lies."""
    partition = partition_key(view.name, generation, view.bucket(stream))
    return Place(partition, GUARD_PREFIX + stored_name(view.key(stream)))


class StreamCheckpoints:
    """Reads guards, and events that a guard still lacks; applies those with care where one may fail."""

    def __init__(
        self, view: StreamView, generation: int, *, views: Container, history: History, mapper: Mapper[str]
    ) -> None:
        self._view = view
        self._generation = generation
        self._gateway = views
        self._history = history
        self._mapper = mapper
        self.named = NamedItems(view, views, mapper)

    def new(self, stream: str, document: Document | None = None) -> StreamCheckpoint:
        """The guard in memory, out of what is stored."""
        return StreamCheckpoint(stream, guard_place(self._view, self._generation, stream), document)

    def read(self, stream: str) -> StreamCheckpoint:
        """The guard as it is stored, at version 0 when there is none."""
        return self.read_all([stream])[0]

    def read_all(self, streams: Sequence[str]) -> list[StreamCheckpoint]:
        """The same for several streams: one read per partition, or a few."""
        places = {stream: guard_place(self._view, self._generation, stream) for stream in streams}
        partitions: dict[str, list[str]] = {}
        for place in places.values():
            partitions.setdefault(place.partition, []).append(place.id)
        found = {
            document["id"]: document
            for partition, ids in partitions.items()
            for document in self._gateway.read_many(partition, ids)
        }
        return [StreamCheckpoint(stream, place, found.get(place.id)) for stream, place in places.items()]

    def reload(self, guard: StreamCheckpoint) -> None:
        """Forgets what is in memory for what is stored."""
        guard.load(self._gateway.read(guard.place.id, guard.place.partition))

    def missing(self, guard: StreamCheckpoint, upto: int) -> list[Document]:
        """The events after the guard up to a version that is known to exist: all of them, or an error.

        A replica may lag behind the feed, so what is missing at first may be there at the next try.
        """
        documents = list(self._history.documents(guard.stream, after=guard.version, upto=upto))
        for expected, document in enumerate(documents, guard.version + 1):
            if document["version"] != expected:
                raise BrokenLog(guard.stream, expected)
        if guard.version + len(documents) < upto:
            raise Unanswered(f"{guard.stream}: version {upto} is known and not yet to be read")
        return documents

    def bring(self, guard: StreamCheckpoint, upto: int) -> dict[str, Any] | None:
        """Applies, in memory and with care, everything up to a version, in as many segments as it takes.

        What one event fails with, or what would keep it from being stored, ends it before that event and is described.
        """
        documents = self.missing(guard, upto)
        while documents:
            failed = self._apply_carefully(guard, documents)
            if failed is not None:
                return failed
            documents = documents[guard.version - documents[0]["version"] + 1 :]
            if documents or guard.full():
                guard.seal()
        return None

    def take_up(self, guard: StreamCheckpoint) -> dict[str, Any] | None:
        """Applies, in memory, what waits of a parked stream; what it fails with.

        The mark goes away in the segment that reaches it, or stays with the new failure.
        """
        upto = guard.seen
        failed = self.bring(guard, upto)
        if failed is None:
            guard.unpark()
        else:
            guard.park(upto, failed)
        return failed

    def _apply_carefully(self, guard: StreamCheckpoint, documents: Sequence[Document]) -> dict[str, Any] | None:
        """Applies as many of the events as one batch holds. What the first one fails with when there is no such batch.

        The place is found by halves, each try from the beginning: views are functions of the log alone.
        """
        for position in range(len(documents)):  # before the savepoint: what was looked up is not looked up again
            if not self.named.look_up(guard, documents, position):
                raise Conflict(f"{guard.place.partition}: others have changed the guard of {guard.stream}")
        try:
            before = guard.savepoint()
        except Rejected as unkept:  # stored by a program that was less strict
            return failure(documents[0], unkept)
        sound, failing, tried = 0, len(documents) + 1, len(documents)
        error: Exception | None = None
        is_views = False
        while tried > sound:
            guard.roll_back(before)
            applied, raised = self._apply(guard, documents[:tried])
            found = raised or _refusal(guard)
            if found is None:
                sound = applied
                if applied < tried or error is None:  # the batch is full, or that was all
                    return None
                tried = (sound + failing) // 2
            else:
                error, is_views = found, raised is not None
                failing = applied + is_views
                tried = failing - 1 if is_views else (sound + failing) // 2
        guard.roll_back(before)
        self._apply(guard, documents[:sound])
        if error is None or (guard.change.items and not is_views):  # in a batch of its own the next one may fit
            return None
        return failure(documents[sound], error)

    def _apply(self, guard: StreamCheckpoint, documents: Sequence[Document]) -> tuple[int, Exception | None]:
        """Applies until a batch is full or an event fails: how many were applied, and the failure."""
        count = 0
        for document in documents:
            guard.change.document = document
            try:
                if self._view.concerns(document):
                    self._view.apply(guard.change, self._mapper.event_of(document))
            except Exception as error:  # noqa: BLE001 - whatever a view raises is what is told about it
                return count, error
            guard.advance(document)
            count += 1
            if guard.full():
                break
        return count, None


def _refusal(guard: StreamCheckpoint) -> Rejected | None:
    """Why the store would not take what the guard holds and is not sealed."""
    wanted = operations(guard, Segment(guard.document(), guard.change.items), guard.etag)
    try:
        for operation in wanted:
            check_value(operation[1][-1])
        check_size(sum(size(operation) for operation in wanted))
    except Rejected as error:
        return error
    return None
