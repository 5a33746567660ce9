"""Streams that wait in the relay because the hub takes one of their events in no form: the relay's dead letters.

One document for each, beside the relay's leases and in their logical partition: a worker that has just taken a lease
reads, in its session, whatever was parked before. `version` is the last that the hub has, `upto` the last that the
relay has passed; what lies between is in the log. While a stream waits its owner sends nothing of it and raises `upto`
(If-Match) before it moves on. A retry sends what lies between and deletes the document If-Match: where the owner has
raised it meanwhile, one of the two reads again, so that nothing is passed over and nothing later comes first.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from projectors.container import Container, Document, Operation
from projectors.errors import Conflict, Unanswered, Unavailable
from projectors.relay.send import Undelivered

_TRIES: Final = 20
_KIND: Final = "parked"
_LONGEST_REASON: Final = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stream that waits. `error` is the event that stopped it: version, type, reason."""

    stream: str
    version: int
    upto: int
    error: dict[str, Any]
    attempts: int = 1
    etag: str | None = None

    def document(self, consumer: str) -> Document:
        return {
            "id": _id(self.stream),
            "consumer": consumer,
            "kind": _KIND,
            "stream": self.stream,
            "version": self.version,
            "upto": self.upto,
            "error": self.error,
            "attempts": self.attempts,
        }

    @classmethod
    def from_document(cls, document: Document) -> "Waiting":
        names = ("stream", "version", "upto", "error", "attempts")
        return cls(**{name: document[name] for name in names}, etag=document["_etag"])


class ParkedStreams:
    """The streams of one consumer that wait."""

    def __init__(self, leases: Container, consumer: str) -> None:
        self._leases = leases
        self._consumer = consumer

    def all(self) -> dict[str, Waiting]:
        """By stream."""
        found = self._leases.query("SELECT * FROM c WHERE c.kind = @kind", self._consumer, kind=_KIND)
        return {document["stream"]: Waiting.from_document(document) for document in found}

    def of(self, stream: str) -> Waiting | None:
        found = self._leases.read(_id(stream), self._consumer)
        return None if found is None else Waiting.from_document(found)

    def park(self, stopped: Undelivered, upto: int) -> Waiting:
        """The stream waits before the event that stopped it, and has been passed up to `upto`."""
        error = {"version": stopped.version, "type": stopped.type, "reason": stopped.reason[:_LONGEST_REASON]}

        def change(found: Waiting | None) -> Waiting:
            if found is None:
                return Waiting(stopped.stream, stopped.version - 1, upto, error)
            return replace(found, upto=max(found.upto, upto))  # another worker was here

        parked = self._change(stopped.stream, change)
        if parked is None:
            raise Unavailable(f"{self._consumer}: {stopped.stream} keeps changing; try again")
        return parked

    def pass_over(self, waiting: Waiting, upto: int) -> Waiting | None:
        """It waits up to `upto` now; None when it waits no longer and its events are to be sent."""
        if waiting.upto >= upto:
            return waiting
        return self._change(
            waiting.stream, lambda found: None if found is None else replace(found, upto=max(found.upto, upto))
        )

    def keep(self, waiting: Waiting) -> None:
        """Writes it If-Match. Raises Conflict when it has changed."""
        self._leases.replace(waiting.document(self._consumer), waiting.etag or "")

    def release(self, waiting: Waiting) -> None:
        """It waits no longer, provided that nothing has come to wait. Raises Conflict when something has."""
        self._leases.batch(self._consumer, [_deletion(waiting)])

    def leave_out(self, waiting: Waiting, *, by: str, at: datetime) -> None:
        """Moves it past the event that stopped it, and keeps a note of that: both or neither. Raises Conflict."""
        version = waiting.version + 1
        note = {
            "id": _note_id(waiting.stream, version),
            "consumer": self._consumer,
            "kind": "dropped",
            "stream": waiting.stream,
            **waiting.error,
            "by": by,
            "at": at.isoformat(timespec="seconds"),
        }
        moved = replace(waiting, version=version)
        after: Operation = (
            _deletion(waiting)
            if version >= waiting.upto
            else ("replace", (_id(waiting.stream), moved.document(self._consumer)), {"if_match_etag": waiting.etag})
        )
        self._leases.batch(self._consumer, [("create", (note,)), after])

    def left_out(self, stream: str, version: int) -> bool:
        return self._leases.read(_note_id(stream, version), self._consumer) is not None

    def _change(self, stream: str, change: Callable[[Waiting | None], Waiting | None]) -> Waiting | None:
        """What `change` makes of what is stored, stored; read again after a conflict or a lost answer."""
        for _ in range(_TRIES):
            found = self.of(stream)
            wanted = change(found)
            if wanted is None or wanted == found:
                return wanted
            document = wanted.document(self._consumer)
            try:
                etag = (
                    self._leases.create(document) if found is None else self._leases.replace(document, found.etag or "")
                )
            except (Conflict, Unanswered):
                continue
            return replace(wanted, etag=etag)
        raise Unavailable(f"{self._consumer}: {stream} keeps changing; try again")


def _deletion(waiting: Waiting) -> Operation:
    return ("delete", (_id(waiting.stream),), {"if_match_etag": waiting.etag})


def _id(stream: str) -> str:
    """A stream's name may be longer than a document's id, or hold what an id must not."""
    return f"parked-{sha256(stream.encode()).hexdigest()}"


def _note_id(stream: str, version: int) -> str:
    return f"dropped-{sha256(stream.encode()).hexdigest()}-{version}"
