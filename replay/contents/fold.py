"""A plain fold of one stream of the log: the documents that a view ought to have of it, made without its projector."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from eventstore.log.mapper import Mapper
from projectors.container import Document
from projectors.errors import PoisonEvent
from projectors.generations.generation import Place
from projectors.views.failure import failure
from projectors.views.streams.checkpoint import StreamCheckpoint
from projectors.views.streams.view import StreamView


@dataclass(frozen=True, slots=True)
class Folded:
    """`guard` is None when the log has nothing up to there; `items` by key; `head` is the log's newest version."""

    guard: Document | None
    items: dict[str, Document]
    head: int

    @property
    def documents(self) -> list[Document]:
        return [] if self.guard is None else [self.guard, *self.items.values()]


def fold_stream(
    view: StreamView,
    place: Place,
    events: Iterable[Document],
    mapper: Mapper[str],
    *,
    stream: str,
    upto: int | None = None,
    dropped: Iterable[int] = (),
) -> Folded:
    """All events of a stream in order, applied up to version `upto` without the versions in `dropped`.

    Raises PoisonEvent for an event that the view cannot apply.
    """
    guard, left_out = StreamCheckpoint(stream, place, None), frozenset(dropped)
    guard.change.known = defaultdict(lambda: None)  # everything that there is has been seen
    items: dict[str, Document] = {}
    head = 0
    for event in events:
        head = event["version"]
        if upto is not None and head > upto:
            continue
        if head not in left_out:
            _apply(view, guard, event, mapper)
            _take_items(guard, items)
        guard.advance(event)
    return Folded(guard.document() if guard.version else None, items, head)


def _take_items(guard: StreamCheckpoint, items: dict[str, Document]) -> None:
    for key, (_, item) in guard.change.items.items():
        if item is None:
            del items[key]
        else:
            items[key] = {"id": key, "pk": guard.place.partition, "stream": guard.stream, **item}
    guard.change.items = {}


def _apply(view: StreamView, guard: StreamCheckpoint, event: Document, mapper: Mapper[str]) -> None:
    guard.change.document = event
    try:
        if view.concerns(event):
            view.apply(guard.change, mapper.event_of(event))
    except Exception as error:
        reason = failure(event, error)["reason"]
        raise PoisonEvent(view.name, event["streamId"], event["version"], event["type"], reason) from error
