"""The contents of views of streams: as they are stored, and as a plain fold of the log has them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from projectors.container import Document
from projectors.database import Database
from projectors.errors import PoisonEvent
from projectors.generations.generation import partition_key
from projectors.views.streams.checkpoint_store import guard_place
from projectors.views.streams.view import StreamView
from replay.contents.fold import fold_stream
from replay.contents.hashing import Collected, Contents, contents_of


@dataclass(frozen=True, slots=True)
class Expected:
    """What a stream ought to hold at a version, and the newest version that the log has."""

    contents: Contents
    head: int


class StreamContents:
    """One generation of one view of streams, beside its log."""

    def __init__(self, stores: Database, view: StreamView, generation: int) -> None:
        self._stores = stores
        self._view = view
        self._generation = generation

    def all(self) -> Iterator[Contents]:
        """Every stream that is stored; memory holds a hash per stream, and no documents."""
        found: dict[str, Collected] = {}
        for document in self._documents():
            stream = document["stream"]
            if stream not in found:
                found[stream] = Collected(stream, guard_counts=not self._view.keyed_by_stream)
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
                return self._contents_of(stream, rows)

    def expected(self, at: Contents) -> Expected:
        """A plain fold of the log up to the version that `at` has, without what was dropped there.

        Raises PoisonEvent when the view of today cannot apply what it once applied.
        """
        folded = fold_stream(
            self._view,
            guard_place(self._view, self._generation, at.name),
            self._stores.history.documents(at.name),
            self._stores.mapper,
            stream=at.name,
            upto=at.version,
            dropped=at.dropped,
        )
        return Expected(self._contents_of(at.name, folded.documents), folded.head)

    def right(self, stream: str) -> bool:
        """Whether what is stored of the stream is what the log says, at the version that it has."""
        stored = self.stored(stream)
        try:
            return stored.hash == self.expected(stored).contents.hash
        except PoisonEvent:
            return False

    def _contents_of(self, stream: str, documents: Iterable[Document]) -> Contents:
        return contents_of(stream, documents, guard_counts=not self._view.keyed_by_stream)

    def _documents(self) -> Iterator[Document]:
        """Partition by partition where they are few; one query over all of them where every stream has its own."""
        name, views = self._view.name, self._stores.views
        if self._view.keyed_by_stream:
            prefix = partition_key(name, self._generation, "")
            yield from views.scan("SELECT * FROM c WHERE STARTSWITH(c.pk, @prefix)", prefix=prefix)
            return
        for number in range(self._view.buckets):
            yield from views.query("SELECT * FROM c", partition_key(name, self._generation, str(number)))
