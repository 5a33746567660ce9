"""The guard of one stream in one view: how far the view has come with it, and what it keeps for it.

    { "id", "pk": "view@generation:bucket", "stream", "version", "at", "state": {…},
      "upto"?, "error"?, "attempts"?, "dropped"? }

`version` is the last version applied, absent means 0. While `upto` is set the stream is parked: nothing of it is
applied, `upto` is the last version seen, `error` what happened to version + 1. `dropped` lists what was left out.
Items of the stream lie in the same partition and change in the same batch as the guard, never without it.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from eventstore.log.documents import recorded_at
from projectors.container import Document, Operation
from projectors.generations.generation import Place
from projectors.views.streams.view import MAX_ITEMS_PER_EVENT, Change


@dataclass(slots=True)
class Segment:
    """What one batch must hold together: the guard at a version, and the items changed since the one before."""

    guard: Document
    items: dict[str, tuple[str, dict[str, Any] | None]]


class Guard:
    """A guard in memory, with changes that are not yet stored."""

    __slots__ = (
        "at",
        "attempts",
        "change",
        "dirty",
        "dropped",
        "error",
        "etag",
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
        """Version + 1 cannot be applied; everything from it to `upto` waits."""
        self.upto, self.error, self.attempts, self.dirty = upto, error, self.attempts + 1, True

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
            self._seal({"state": orjson.loads(orjson.dumps(self.change.state))})

    def take_segments(self) -> list[Segment]:
        """Everything to be written, in order; the guard counts as clean from here on."""
        if self.dirty:
            self._seal({})
        segments, self.segments, self.dirty = self.segments, [], False
        return segments

    def _seal(self, frozen: Document) -> None:
        self.segments.append(Segment(self.document() | frozen, self.change.items))
        self.change.items = {}

    def document(self) -> Document:
        if self.meta is not None:
            self.at, self.meta = recorded_at(self.meta), None
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
            document["dropped"] = self.dropped
        return document


def operations(guard: Guard, segment: Segment, etag: str | None) -> list[Operation]:
    """The segment as batch operations, the conditional write of the guard first."""
    first: Operation = (
        ("create", (segment.guard,))
        if etag is None
        else ("replace", (guard.place.id, segment.guard), {"if_match_etag": etag})
    )
    return [first, *(_item(guard, key, verb, item) for key, (verb, item) in segment.items.items())]


def size(operation: Operation) -> int:
    """About how many bytes the operation is on the wire."""
    return len(orjson.dumps(operation[1])) + 100


def _item(guard: Guard, key: str, verb: str, item: dict[str, Any] | None) -> Operation:
    if item is None:
        return ("delete", (key,))
    document = {"id": key, "pk": guard.place.partition, "stream": guard.stream, **item}
    return ("create", (document,)) if verb == "create" else ("replace", (key, document))
