"""What a command is decided on: an aggregate, and where in its stream it stands."""

from dataclasses import dataclass
from typing import Any, Final

from eventsourcing.persistence import Mapper, StoredEvent

from eventstore.commands.snapshots import Fold, Snapshots
from eventstore.log.chain import genesis
from eventstore.log.documents import Document, from_text
from eventstore.log.event_log import EventLog, Tail

NO_EVENTS: Final = 0
"""The version of a stream that has no events."""


@dataclass(slots=True)
class State:
    """`aggregate` after event `version` (None and `NO_EVENTS` for a stream without events), whose hash is `head`.

    `session` is the last session token that was seen for the stream. `fresh`: everything that was acknowledged when
    the command in hand came in is in it. `spoiled`: the aggregate was changed by events that were never recorded.
    """

    aggregate: Any
    version: int
    head: str
    session: str
    snapshot_version: int
    fresh: bool
    spoiled: bool = False

    @property
    def exists(self) -> bool:
        """Whether the stream has events."""
        return self.aggregate is not None


class States:
    """Loads states: a snapshot and the events behind it."""

    def __init__(self, log: EventLog, snapshots: Snapshots | None, mapper: Mapper[Any], fold: Fold) -> None:
        self._log = log
        self._snapshots = snapshots
        self._mapper = mapper
        self._fold = fold

    def load(
        self, stream: str, *, command_id: str | None = None, session: str | None = None
    ) -> tuple[State, Document | None]:
        """The state of a stream, and what the command of this id has left there: at most two requests."""
        snapshot = self._snapshots.read(stream) if self._snapshots else None
        state = State(None, NO_EVENTS, genesis(stream), "", NO_EVENTS, session is not None)
        after: int | None = None
        if snapshot is not None:
            state.aggregate, state.head = snapshot.aggregate, snapshot.head
            after = state.version = state.snapshot_version = snapshot.version
        tail = self._log.tail(stream, after, command_id=command_id, session=session)
        self._advance(stream, state, tail)
        return state, tail.of_command

    def refresh(self, stream: str, state: State, *, command_id: str, session: str) -> Document | None:
        """Bring a state up to `session`, in place, and say what the command of this id has left: one request."""
        after = state.version if state.exists else None
        tail = self._log.tail(stream, after, command_id=command_id, session=session)
        self._advance(stream, state, tail)
        state.fresh = True
        return tail.of_command

    def _advance(self, stream: str, state: State, tail: Tail) -> None:
        if tail.events:
            state.aggregate = self._fold(state.aggregate, [self._event(stream, each) for each in tail.events])
            state.version, state.head = tail.events[-1]["version"], tail.events[-1]["hash"]
        state.session = tail.session

    def _event(self, stream: str, document: Document) -> Any:
        state = from_text(document["enc"], document["state"])
        return self._mapper.to_domain_event(StoredEvent(stream, document["version"], document["type"], state))
