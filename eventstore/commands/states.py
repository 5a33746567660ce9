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

_PAGE: Final = 500


@dataclass(slots=True)
class State:
    """`aggregate` after event `version` (None and `NO_EVENTS` for a stream without events), whose hash is `head`.

    `session` is the last session token that was seen for the stream. `fresh`: everything that was acknowledged when
    the command in hand came in is in it. `spoiled`: the aggregate was changed by events that were never recorded.
    `fault` is why the events behind `version` could not be folded: nothing can be decided on such a state.
    """

    aggregate: Any
    version: int
    head: str
    session: str
    snapshot_version: int
    fresh: bool
    spoiled: bool = False
    fault: Exception | None = None

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
        """The state of a stream, and what the command of this id has left there: at most two requests.

        What a command has left is there whether or not its stream can be folded; see `State.fault`.
        """
        snapshot = self._snapshots.read(stream) if self._snapshots else None
        state = State(None, NO_EVENTS, genesis(stream), "", NO_EVENTS, session is not None)
        after: int | None = None
        if snapshot is not None:
            state.aggregate, state.head = snapshot.aggregate, snapshot.head
            after = state.version = state.snapshot_version = snapshot.version
        tail = self._log.tail(stream, after, command_id=command_id, session=session)
        self._advance(stream, state, tail)
        return state, tail.of_command

    def read(self, stream: str, *, session: str | None = None) -> State:
        """The state of a stream for who only reads it. What keeps it from being folded is raised."""
        state, _ = self.load(stream, session=session)
        if state.fault:
            raise state.fault
        return state

    def snapshot_fault(self, stream: str, *, session: str) -> str | None:
        """What is wrong with the snapshot that `load` begins at; None if there is none, or it is the log's fold."""
        if self._snapshots is None or (snapshot := self._snapshots.read(stream)) is None:
            return None
        folded, low = State(None, NO_EVENTS, genesis(stream), session, NO_EVENTS, fresh=True), 0
        while (page := self._page(stream, low, snapshot.version, session)).events and not folded.fault:
            self._advance(stream, folded, page)
            low = folded.version + 1
        if folded.fault:
            raise folded.fault
        if folded.head != snapshot.head:
            return f"the event that its snapshot of version {snapshot.version} ends with is not in the log"
        if not self._snapshots.same(folded.aggregate, snapshot.aggregate):
            return f"its snapshot of version {snapshot.version} is not the fold of its events"
        return None

    def _page(self, stream: str, low: int, high: int, session: str) -> Tail:
        return self._log.between(stream, low, high, descending=False, limit=_PAGE, session=session)

    def refresh(self, stream: str, state: State, *, command_id: str, session: str) -> Document | None:
        """Bring a state up to `session`, in place, and say what the command of this id has left: one request."""
        after = state.version if state.exists else None
        tail = self._log.tail(stream, after, command_id=command_id, session=session)
        self._advance(stream, state, tail)
        state.fresh = True
        return tail.of_command

    def _advance(self, stream: str, state: State, tail: Tail) -> None:
        state.session = tail.session
        if not tail.events:
            return
        try:
            state.aggregate = self._fold(state.aggregate, [self._event(stream, each) for each in tail.events])
        except Exception as fault:  # noqa: BLE001 - raised where the state is used, unless the outcome is there already
            state.fault, state.spoiled = fault, True
        else:
            state.version, state.head = tail.events[-1]["version"], tail.events[-1]["hash"]

    def _event(self, stream: str, document: Document) -> Any:
        state = from_text(document["enc"], document["state"])
        return self._mapper.to_domain_event(StoredEvent(stream, document["version"], document["type"], state))
