"""Streams that wait in one range's part of a view over many streams, and notes of what was dropped there.

    { "id": "~~<range>~<hash of the stream>", "pk": "view@generation:all", "lease", "stream",
      "after", "upto", "error", "attempts" }
    { "id": "~~<range>~<hash of the stream>~<version>", "pk", "lease", "stream",
      "dropped": [ { "stream", "version", "type", "reason", "by", "at" } ] }

One small document each, beside the guard of the range and changed in its batches only, under its condition: so the
guard stays small whatever the number of streams that wait, and whoever has the guard knows these documents, too.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from projectors.container import Document
from projectors.generations.generation import GUARD_PREFIX

LATE_PREFIX = GUARD_PREFIX * 2
"""Behind the guards of the ranges, whose names are hexadecimal."""
_REASON = 1_000
"""Characters: enough to find the fault, few enough for a hundred of them in one batch."""


@dataclass(frozen=True, slots=True)
class Late:
    """A parked stream: events with `after` < version <= `upto` are not in the sums. `error` is that of after + 1."""

    after: int
    upto: int
    error: dict[str, Any]
    attempts: int = 1

    def facts(self) -> Document:
        return {
            "after": self.after,
            "upto": self.upto,
            "error": with_bounded_reason(self.error),
            "attempts": self.attempts,
        }

    @classmethod
    def from_document(cls, document: Document) -> "Late":
        return cls(document["after"], document["upto"], document["error"], document["attempts"])


def late_document(partition: str, lease: str, stream: str, late: Late) -> Document:
    return {"id": late_id(lease, stream), "pk": partition, "lease": lease, "stream": stream, **late.facts()}


def note_document(partition: str, lease: str, note: dict[str, Any]) -> Document:
    """What is kept of a dropped event, in the form that guards of streams have it."""
    stream = note["stream"]
    id_ = note_id(lease, stream, note["version"])
    return {"id": id_, "pk": partition, "lease": lease, "stream": stream, "dropped": [with_bounded_reason(note)]}


def late_id(lease: str, stream: str) -> str:
    """A stream's name may have what an id may not, so its hash stands for it."""
    return f"{LATE_PREFIX}{lease}~{hashlib.sha256(stream.encode(errors='surrogatepass')).hexdigest()}"


def note_id(lease: str, stream: str, version: int) -> str:
    return f"{late_id(lease, stream)}~{version}"


def with_bounded_reason(error: dict[str, Any]) -> dict[str, Any]:
    """The same with a reason that any store takes: a view may raise megabytes, or what is no UTF-8."""
    return {**error, "reason": bounded(str(error["reason"]))}


def bounded(text: str) -> str:
    plain = text.encode(errors="backslashreplace").decode()
    return plain if len(plain) <= _REASON else f"{plain[:_REASON]}…"
