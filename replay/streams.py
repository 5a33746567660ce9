"""The contents of views of streams: as they are stored, and as a plain fold of the log has them."""

from collections.abc import Iterator
from dataclasses import dataclass

from eventstore.documents import RecordedEvent
from projectors.errors import PoisonEvent
from projectors.gateway import Document
from projectors.guard import Guard
from projectors.guards import guard_place
from projectors.places import partition_key
from projectors.stores import Stores
from projectors.view import StreamView
from replay.contents import Collected, Contents, contents_of


@dataclass(frozen=True, slots=True)
class Expected:
    """What a stream ought to hold at a version, and the newest version that the log has."""

    contents: Contents
    head: int


class StreamContents:
    """One generation of one view of streams, beside its log."""

    def __init__(self, stores: Stores, view: StreamView, generation: int) -> None:
        self._stores = stores
        self._view = view
        self._generation = generation

    def all(self) -> Iterator[Contents]:
        """Every stream that is stored; memory holds a hash per stream, and no documents."""
        found: dict[str, Collected] = {}
        for document in self._documents():
            stream = document["stream"]
            if stream not in found:
                found[stream] = Collected(stream)
            found[stream].add(document)
        return (collected.contents() for collected in found.values())

    def stored(self, stream: str) -> Contents:
        """One stream, as it is at one moment: read again when its guard moves meanwhile."""
        views, place = self._stores.views, guard_place(self._view, self._generation, stream)
        while True:
            before = views.read(place.id, place.partition)
            rows = views.query("SELECT * FROM c WHERE c.stream = @stream", place.partition, stream=stream)
            after = views.read(place.id, place.partition)
            if (before and before["_etag"]) == (after and after["_etag"]):
                return contents_of(stream, rows)

    def expected(self, at: Contents) -> Expected:
        """A plain fold of the log up to the version that `at` has, without what was dropped there.

        Raises PoisonEvent when the view of today cannot apply what it once applied.
        """
        stream = at.name
        guard = Guard(stream, guard_place(self._view, self._generation, stream), None)
        items: dict[str, Document] = {}
        head = 0
        for event in self._stores.history.stream(stream):
            head = event.version
            if event.version > at.version:
                continue
            if event.type in self._view.types and event.version not in at.dropped:
                self._apply(guard, event)
                for key, (_, item) in guard.change.items.items():
                    if item is None:
                        del items[key]
                    else:
                        items[key] = {"id": key, "stream": stream, **item}
                guard.change.items = {}
            guard.advance(event)
        if not guard.version:
            return Expected(Contents.nothing(stream), head)
        return Expected(contents_of(stream, [guard.document(), *items.values()]), head)

    def right(self, stream: str) -> bool:
        """Whether what is stored of the stream is what the log says, at the version that it has."""
        stored = self.stored(stream)
        try:
            return stored.hash == self.expected(stored).contents.hash
        except PoisonEvent:
            return False

    def _apply(self, guard: Guard, event: RecordedEvent) -> None:
        guard.change.recorded = event
        try:
            self._view.apply(guard.change, self._stores.mapper.domain_event(event))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise PoisonEvent(self._view.name, event.stream, event.version, event.type, reason) from error

    def _documents(self) -> Iterator[Document]:
        """Partition by partition where they are few; one query over all of them where every stream has its own."""
        name, views = self._view.name, self._stores.views
        if self._view.keyed_by_stream:
            prefix = partition_key(name, self._generation, "")
            yield from views.scan("SELECT * FROM c WHERE STARTSWITH(c.pk, @prefix)", prefix=prefix)
            return
        for number in range(self._view.buckets):
            yield from views.query("SELECT * FROM c", partition_key(name, self._generation, str(number)))
