"""The guard of one stream in one view: how far the view has come with it, and what it keeps for it.

    { "id", "pk": "view@generation:bucket", "stream", "version", "at", "state": {…},
      "upto"?, "error"?, "attempts"?, "dropped"?, "left_out"? }

`version` is the last version applied, absent means 0. While `upto` is set the stream is parked: nothing of it is
applied, `upto` is the last version seen, `error` what happened to version + 1. `dropped` lists what was left out, and
`left_out`, by which such guards are found, counts it.
Items of the stream lie in the same partition and change in the same batch as the guard, never without it.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import orjson

from eventstore.errors import MalformedDocument
from eventstore.log.documents import recorded_at
from projectors.container import Document, Operation
from projectors.errors import Rejected
from projectors.generations.generation import Place
from projectors.storable import encoded
from projectors.views.streams.view import MAX_ITEMS_PER_EVENT, Change, NamedItem

_REMEMBERED = 32
"""Named items in memory, per guard, of those that were placed or looked up last."""


@dataclass(slots=True)
class Segment:
    """What one batch must hold together: the guard at a version, and the items changed since the one before."""

    guard: Document
    items: dict[str, tuple[str, dict[str, Any] | None]]


class Savepoint(NamedTuple):
    """What of a guard in memory changes as events are applied, to go back to."""

    version: int
    at: str | None
    meta: str | None
    dirty: bool
    state: bytes
    items: dict[str, tuple[str, dict[str, Any] | None]]
    known: dict[Any, NamedItem | None]


class StreamCheckpoint:
    """A guard in memory, with changes that are not yet stored."""

    __slots__ = (
        "at",
        "attempts",
        "change",
        "dirty",
        "dropped",
        "error",
        "etag",
        "is_news",
        "meta",
        "place",
        "segments",
        "stream",
        "upto",
        "version",
    )

    def __init__(self, stream: str, place: Place, document: Document | None) -> None:
        self.stream = stream
        self.place = place
        self.load(document)

    def load(self, document: Document | None) -> None:
        """Takes what is stored for the truth."""
        found = document or {}
        self.segments: list[Segment] = []
        self.dirty = False
        self.is_news = False
        """Whether it was parked here, and nobody has been told."""
        self.meta: str | None = None
        self.etag: str | None = found.get("_etag")
        self.version: int = found.get("version", 0)
        self.at: str | None = found.get("at")
        self.upto: int | None = found.get("upto")
        self.error: dict[str, Any] | None = found.get("error")
        self.attempts: int = found.get("attempts", 0)
        self.dropped: list[dict[str, Any]] = found.get("dropped", [])
        self.change = Change(found.get("state") or {})

    def full(self, most: int = MAX_ITEMS_PER_EVENT) -> bool:
        """Whether one more event might not fit into a batch that should hold no more than `most` items."""
        return len(self.change.items) >= most

    @property
    def seen(self) -> int:
        """The last version that needs no second look: applied, or waiting behind a parked one."""
        return max(self.version, self.upto or 0)

    @property
    def weight(self) -> int:
        """How many documents wait to be written."""
        if not self.dirty:
            return 0
        last = 1 + len(self.change.items)
        return last + sum(1 + len(part.items) for part in self.segments) if self.segments else last

    def advance(self, document: Document) -> None:
        """The event has been applied to `change`, or does not concern the view."""
        self.version = document["version"]
        self.meta = document["meta"]
        self.dirty = True

    def park(self, upto: int, error: dict[str, Any]) -> None:
        """Version + 1 cannot be applied; everything from it to `upto`, or to where it waited before, waits."""
        upto = max(upto, self.upto or 0)
        self.upto, self.error, self.attempts, self.dirty = upto, error, self.attempts + 1, True
        self.is_news = True

    def wait_behind(self, version: int) -> None:
        """The stream is parked: one more version waits."""
        if self.upto is not None and version > self.upto:
            self.upto, self.dirty = version, True

    def unpark(self) -> None:
        self.upto, self.error, self.attempts, self.dirty = None, None, 0, True

    def leave_out(self, document: Document, note: dict[str, Any]) -> None:
        """Moves past an event without applying it; the note stays."""
        self.advance(document)
        self.dropped = [*self.dropped, note]

    def seal_when_full(self, most: int = MAX_ITEMS_PER_EVENT) -> None:
        """Closes a segment when one more event might not fit into its batch."""
        if self.full(most):
            self.seal()

    def seal(self) -> None:
        """Closes a segment: what is applied from here on goes into another batch. Raises Rejected: it is no JSON."""
        self._seal({"state": orjson.loads(encoded(self.change.state))})

    def savepoint(self) -> Savepoint:
        """Where the guard is, to go back to with `roll_back`. Raises Rejected: its state is no JSON."""
        return Savepoint(
            self.version,
            self.at,
            self.meta,
            self.dirty,
            encoded(self.change.state),
            dict(self.change.items),
            dict(self.change.known),
        )

    def roll_back(self, savepoint: Savepoint) -> None:
        """Back to where it was; nothing was sealed since then."""
        self.version, self.at, self.meta, self.dirty, state, items, known = savepoint
        self.change.state, self.change.items, self.change.known = orjson.loads(state), dict(items), dict(known)

    def take_segments(self) -> list[Segment]:
        """Everything to be written, in order; the guard counts as clean from here on."""
        if self.dirty:
            self._seal({})
        segments, self.segments, self.dirty = self.segments, [], False
        self.change.known = dict(islice(reversed(self.change.known.items()), _REMEMBERED))  # read again when needed
        return segments

    def _seal(self, frozen: Document) -> None:
        self.segments.append(Segment(self.document() | frozen, self.change.items))
        self.change.items = {}

    def document(self) -> Document:
        """As it is stored. Raises Rejected when its last event does not say when it was recorded."""
        if self.meta is not None:
            try:
                self.at, self.meta = recorded_at(self.meta), None
            except MalformedDocument as error:
                raise Rejected(str(error)) from error
        document: Document = {
            "id": self.place.id,
            "pk": self.place.partition,
            "stream": self.stream,
            "version": self.version,
            "at": self.at,
            "state": self.change.state,
        }
        if self.upto is not None:
            document |= {"upto": self.upto, "error": self.error, "attempts": self.attempts}
        if self.dropped:
            document |= {"dropped": self.dropped, "left_out": len(self.dropped)}
        return document


def operations(guard: StreamCheckpoint, segment: Segment, etag: str | None) -> list[Operation]:
    """The segment as batch operations, the conditional write of the guard first."""
    first: Operation = (
        ("create", (segment.guard,))
        if etag is None
        else ("replace", (guard.place.id, segment.guard), {"if_match_etag": etag})
    )
    return [first, *(_item(guard, key, verb, item) for key, (verb, item) in segment.items.items())]


def _item(guard: StreamCheckpoint, key: str, verb: str, item: dict[str, Any] | None) -> Operation:
    if item is None:
        return ("delete", (key,))
    document = {"id": key, "pk": guard.place.partition, "stream": guard.stream, **item}
    return ("create", (document,)) if verb == "create" else ("replace", (key, document))
