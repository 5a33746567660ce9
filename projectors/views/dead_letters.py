"""Dead letters: streams that a view stopped applying at an event that it could not take, listed, retried, dropped.

The guard of a stream says that it waits and from where: `version` is the last event applied, `upto` the last one seen.
A query for guards with `upto` is the list. The events themselves stay in the log.

A retry runs beside workers. It reads the events from `version + 1` to `upto` from the log and applies them in order,
through the same upcasters. The write that applies event `upto` also removes `upto` from the guard, so the stream stops
waiting exactly when it has caught up. A worker that sees later events meanwhile raises `upto` in the same guard,
If-Match, so one of the two writes fails and reads again; a new failure leaves `upto` there.

`drop` moves past the one event that fails, for good, and keeps a note of it in the guard, or beside one of sums.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.container import Container
from projectors.generations.generation import GUARD_PREFIX, partition_key
from projectors.views.streams.dead_letters import StreamDeadLetters
from projectors.views.streams.view import StreamView
from projectors.views.sums.checkpoint import RangeCheckpoint
from projectors.views.sums.dead_letters import SumDeadLetters
from projectors.views.sums.late import LATE_PREFIX
from projectors.views.sums.view import BUCKET, SumView
from projectors.views.view import View


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One parked stream: `version` is the last applied, `upto` the last seen, `attempts` how often it was tried.

    `needs_schema` is that of the event's type, where the program did not know the type or not that schema.
    """

    view: str
    generation: int
    stream: str
    version: int
    upto: int
    type: str
    reason: str
    attempts: int
    needs_schema: int | None = None


def all_dead_letters(views: Container, view: str, generation: int) -> list[DeadLetter]:
    """All parked streams of a generation, by name: what is marked, and the few guards of sums in their earlier form."""
    marked = views.query(
        "SELECT * FROM c WHERE STARTSWITH(c.pk, @prefix) AND IS_DEFINED(c.upto)",
        prefix=partition_key(view, generation, ""),
    )
    found = [
        _parked(view, generation, row["stream"], row["after"] if "after" in row else row["version"], row)
        for row in marked
    ]
    guards = views.query(
        "SELECT * FROM c WHERE c.id >= @guards AND c.id < @late AND IS_DEFINED(c.late)",
        partition_key(view, generation, BUCKET),
        guards=GUARD_PREFIX,
        late=LATE_PREFIX,
    )
    for guard in map(RangeCheckpoint.from_document, guards):
        found += [_parked(view, generation, stream, late.after, late.facts()) for stream, late in guard.late.items()]
    return sorted(found, key=lambda parked: (parked.stream, parked.version))


def _parked(view: str, generation: int, stream: str, version: int, facts: dict[str, Any]) -> DeadLetter:
    error = facts["error"]
    return DeadLetter(
        view,
        generation,
        stream,
        version,
        facts["upto"],
        error["type"],
        error["reason"],
        facts["attempts"],
        error.get("needs_schema"),
    )


class DeadLetters(Protocol):
    """For one generation of one view."""

    def retry(self, stream: str) -> dict[str, Any] | None:
        """Applies what waits of the stream; the failure that stopped it, None when nothing waits any more."""

    def drop(self, stream: str, version: int, *, by: str, at: datetime) -> None:
        """Leaves out the version at which the stream is parked. Raises NotParked when it is not parked there."""


def dead_letters_of(
    view: View, generation: int, *, views: Container, history: History, mapper: Mapper[str]
) -> DeadLetters:
    """The drain for either kind of view."""
    if isinstance(view, StreamView):
        return StreamDeadLetters(view, generation, views=views, history=history, mapper=mapper)
    if isinstance(view, SumView):
        return SumDeadLetters(view, generation, views=views, history=history, mapper=mapper)
    raise TypeError(f"{view.name} is neither a StreamView nor a SumView")
