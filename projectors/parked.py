"""Streams that wait because a view could not apply one of their events: the dead letters.

They are found by their guards: there is no list beside them that could disagree. What waits is in the log, from
`version + 1` to `upto`.
"""

from dataclasses import dataclass
from typing import Any

from projectors.gateway import Document, Gateway
from projectors.guard import GUARD_PREFIX
from projectors.partial import Partial
from projectors.places import partition_key
from projectors.sum_view import BUCKET


@dataclass(frozen=True, slots=True)
class Parked:
    """One parked stream: `version` is the last applied, `upto` the last seen, `attempts` how often it was tried."""

    view: str
    generation: int
    stream: str
    version: int
    upto: int
    type: str
    reason: str
    attempts: int


def parked_in(views: Gateway, view: str, generation: int) -> list[Parked]:
    """All parked streams of a generation, by name: guards of streams that are marked, and the few guards of sums."""
    guards = views.query(
        "SELECT * FROM c WHERE STARTSWITH(c.pk, @prefix) AND IS_DEFINED(c.upto)",
        prefix=partition_key(view, generation, ""),
    )
    guards += views.query(
        "SELECT * FROM c WHERE c.id >= @guards AND IS_DEFINED(c.late)",
        partition_key(view, generation, BUCKET),
        guards=GUARD_PREFIX,
    )
    found = [parked for guard in guards for parked in _of_guard(view, generation, guard)]
    return sorted(found, key=lambda parked: (parked.stream, parked.version))


def _of_guard(view: str, generation: int, guard: Document) -> list[Parked]:
    if "late" not in guard:
        return [_parked(view, generation, guard["stream"], guard["version"], guard)]
    late = Partial.from_document(guard).late
    return [_parked(view, generation, stream, found.after, found.document()) for stream, found in late.items()]


def _parked(view: str, generation: int, stream: str, version: int, facts: dict[str, Any]) -> Parked:
    error = facts["error"]
    return Parked(view, generation, stream, version, facts["upto"], error["type"], error["reason"], facts["attempts"])
