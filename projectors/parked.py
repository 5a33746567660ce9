"""Streams that wait because a view could not apply one of their events.

They are found by their guards: there is no list beside them that could disagree. What waits is in the log, from
`version + 1` to `upto`.
"""

from dataclasses import dataclass
from typing import Any

from projectors.gateway import Document, Gateway
from projectors.places import partition_key


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

    @classmethod
    def from_guard(cls, view: str, generation: int, guard: Document) -> "Parked":
        error: dict[str, Any] = guard["error"]
        return cls(
            view,
            generation,
            guard["stream"],
            guard["version"],
            guard["upto"],
            error["type"],
            error["reason"],
            guard["attempts"],
        )


def parked_in(views: Gateway, view: str, generation: int) -> list[Parked]:
    """All parked streams of a generation, by name."""
    guards = views.query(
        "SELECT * FROM c WHERE STARTSWITH(c.pk, @prefix) AND IS_DEFINED(c.upto)",
        prefix=partition_key(view, generation, ""),
    )
    return sorted((Parked.from_guard(view, generation, guard) for guard in guards), key=lambda found: found.stream)
