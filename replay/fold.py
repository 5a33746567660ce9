"""What a view ought to hold for a stream: a plain fold of its log, with no machinery between."""

from collections.abc import Iterable

from eventstore.documents import RecordedEvent
from eventstore.history import History
from eventstore.mapper import Mapper
from projectors.gateway import Document
from projectors.guard import Guard
from projectors.guards import guard_place
from projectors.view import StreamView
from replay.contents import Contents, contents_of


class LogContents:
    """Contents of a view, folded from the log."""

    def __init__(self, history: History, mapper: Mapper[str], view: StreamView) -> None:
        self._history = history
        self._mapper = mapper
        self._view = view

    def one(self, stream: str, *, upto: int) -> Contents:
        """The stream at a version; `version` is less when the log has less."""
        return self.of(stream, self._history.stream(stream, upto=upto))

    def of(self, stream: str, events: Iterable[RecordedEvent]) -> Contents:
        """The stream after exactly these events. What the view raises passes through."""
        guard = Guard(stream, guard_place(self._view, 0, stream), None)
        items: dict[str, Document] = {}
        for event in events:
            if event.type in self._view.types:
                guard.change.recorded = event
                self._view.apply(guard.change, self._mapper.domain_event(event))
                for key, (_, item) in guard.change.items.items():
                    if item is None:
                        del items[key]
                    else:
                        items[key] = {"id": key, "stream": stream, **item}
                guard.change.items = {}
            guard.advance(event)
        if not guard.version:
            return Contents(stream, 0, 0, b"")
        return contents_of(stream, [guard.document(), *items.values()])
