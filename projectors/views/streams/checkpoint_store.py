"""The guards of one generation of a view of streams, as they are stored, and the log behind them."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.container import Document, Gateway
from projectors.errors import BrokenLog, Unanswered
from projectors.generations.generation import GUARD_PREFIX, Place, partition_key
from projectors.views.failure import failure
from projectors.views.streams.checkpoint import Guard
from projectors.views.streams.view import StreamView


def guard_place(view: StreamView, generation: int, stream: str) -> Place:
    """Where the guard of a stream lies."""
    return Place(partition_key(view.name, generation, view.bucket(stream)), f"{GUARD_PREFIX}{view.key(stream)}")


class Guards:
    """Reads guards, and events that a guard still lacks; applies those with care where one may fail."""

    def __init__(
        self, view: StreamView, generation: int, *, views: Gateway, history: History, mapper: Mapper[str]
    ) -> None:
        self._view = view
        self._generation = generation
        self._gateway = views
        self._history = history
        self._mapper = mapper

    def new(self, stream: str, document: Document | None = None) -> Guard:
        """The guard in memory, out of what is stored."""
        return Guard(stream, guard_place(self._view, self._generation, stream), document)

    def read(self, stream: str) -> Guard:
        """The guard as it is stored, at version 0 when there is none."""
        return self.read_all([stream])[0]

    def read_all(self, streams: Sequence[str]) -> list[Guard]:
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
        return [Guard(stream, place, found.get(place.id)) for stream, place in places.items()]

    def reload(self, guard: Guard) -> None:
        """Forgets what is in memory for what is stored."""
        guard.load(self._gateway.read(guard.place.id, guard.place.partition))

    def missing(self, guard: Guard, upto: int) -> list[Document]:
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

    def apply_carefully(self, guard: Guard, documents: Iterable[Document]) -> dict[str, Any] | None:
        """Applies until a batch is full or an event fails; the failure is undone and described."""
        for document in documents:
            state, items = orjson.dumps(guard.change.state), dict(guard.change.items)
            guard.change.document = document
            try:
                if document["type"] in self._view.types:
                    self._view.apply(guard.change, self._mapper.event_of(document))
            except Exception as error:  # noqa: BLE001 - whatever a view raises is what is told about it
                guard.change.state, guard.change.items = orjson.loads(state), items
                return failure(document, error)
            guard.advance(document)
            if guard.full():
                break
        return None
