"""One command on its way: the loop of load, decide and record, with every turn that a conflict can take.

    events                -> append          conflict: load again, decide again
    refusal or no events  -> decided on a fresh state? record the outcome : make it fresh, decide again
    anything else raised  -> raised on a fresh state? raise it : make it fresh, decide again
    the command is there  -> say what became of it

The order makes one outcome per command id: an append and an outcome carry the same unique id, a refusal is answered
only after it is recorded, and after every conflict the command is looked up at the session token of that conflict. To
make a state fresh is to look the command up too. So an error that is not recorded never stands in for an outcome that
is: by now the clock may be past a term, a rule be stricter, or a key away, and the command was accepted all the same.

A command whose id is claimed (`Command.claimed_in`) writes the claim after the decision and before what it records. So
what makes no sense claims nothing; and a claim whose command never came, for its process died, lets in nothing but
that same command, whenever it is sent again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import orjson
from eventsourcing.persistence import Mapper

from eventstore.commands.cache import StreamCache
from eventstore.commands.snapshots import Snapshots
from eventstore.commands.states import State, States
from eventstore.errors import StoreBusy, VersionMismatch
from eventstore.log import position
from eventstore.log.documents import MAX_VERSION, Document, command_ids, event_id, sealed
from eventstore.log.event_log import EventLog, Taken, pause
from eventstore.log.fence import fence
from eventstore.log.limits import check_limits
from eventstore.log.mapper import schema_of
from eventstore.log.outcomes import Command, Outcome, Refusal, check_same, claim_document, outcome_document, outcome_of

_FIRST_PAUSE: Final = 0.005


@dataclass(frozen=True, slots=True)
class Parts:
    """What executions share."""

    log: EventLog
    states: States
    snapshots: Snapshots | None
    snapshot_every: int
    cache: StreamCache[State]
    mapper: Mapper[Any]
    refusals: type[Exception]
    attempts: int


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is to be recorded: the documents of events, or of an outcome; none for an outcome on a state that is old."""

    aggregate: Any
    events: int
    refusal: Refusal | None
    facts: Mapping[str, Any]
    documents: Sequence[Document]


class Execution:
    """One call of `CommandStore.execute`, which holds the stream's lock and describes the arguments."""

    def __init__(
        self,
        parts: Parts,
        stream: str,
        command: Command,
        decide: Callable[[Any], Any],
        answer: Callable[[Any], Mapping[str, Any]] | None,
        expected_version: int | None,
    ) -> None:
        self._parts = parts
        self._stream = stream
        self._command = command
        self._decide = decide
        self._answer = answer
        self._expected = expected_version
        self._session: str | None = None
        self._sent: str | None = None
        self._claimed = command.claimed_in in (None, stream)

    def run(self) -> Outcome:
        """The state leaves the cache at the start and returns only after all went well."""
        state = self._parts.cache.take(self._stream)
        for attempt in range(self._parts.attempts):
            if attempt:
                pause(_FIRST_PAUSE, attempt)
            try:
                state, outcome = self._attempt(state)
            except Taken as taken:
                state, self._session = None, taken.session
            else:
                if not state.spoiled:
                    self._parts.cache.put(self._stream, state)
                return outcome
        raise StoreBusy(self._stream, f"other writers were faster {self._parts.attempts} times")

    def _attempt(self, state: State | None) -> tuple[State, Outcome]:
        """Decide on the state in hand, then, unless there are events to append, once more on a fresh one."""
        recorded: Document | None = None
        if state is None:
            state, recorded = self._load(self._session)
        else:
            state.fresh = False
        while recorded is None:
            if state.fault or self._expected in (None, state.version):
                if decision := self._decide_on(state):
                    return state, self._record(state, decision)
            elif state.fresh:
                self._parts.cache.put(self._stream, state)
                raise VersionMismatch(self._stream, self._expected or 0, state.version)
            state, recorded = self._refresh(state)
        replayed = recorded["hash"] != self._sent  # or it is this very execution's own write, whose answer was lost
        return state, outcome_of(recorded, self._command, state.session, replayed=replayed)

    def _load(self, session: str | None) -> tuple[State, Document | None]:
        return self._parts.states.load(self._stream, command_id=self._command.id, session=session)

    def _refresh(self, state: State) -> tuple[State, Document | None]:
        """The state with everything that was acknowledged before this moment, by whichever process."""
        # The fence is a batch of two creates that must fail. Under the id of an event that exists the first one fails
        # already, which costs less than failing at the second.
        place = event_id(state.version) if state.exists else None
        session = fence(self._parts.log, self._stream, self._command.id, place)
        if state.spoiled:
            return self._load(session)
        return state, self._parts.states.refresh(self._stream, state, command_id=self._command.id, session=session)

    def _decide_on(self, state: State) -> _Decision | None:
        """None where nothing may be recorded or raised yet: it takes a fresh state."""
        try:
            decision = self._decision(state)
            check_limits(self._stream, decision.documents)
        except Exception:
            if state.fresh:
                raise
            state.spoiled = state.spoiled or state.exists
            return None
        return decision if decision.documents else None

    def _decision(self, state: State) -> _Decision:
        if state.fault:
            raise state.fault
        try:
            aggregate, refusal = self._decide(state.aggregate), None
        except self._parts.refusals as refused:
            if state.exists and state.aggregate.collect_events():
                state.spoiled = True
            aggregate, refusal = None, _refusal(refused)
        events = () if aggregate is None else aggregate.collect_events()
        if not events and not state.fresh:
            return _Decision(aggregate, 0, refusal, {}, ())
        facts = self._facts(aggregate)
        if events:
            return _Decision(aggregate, len(events), None, facts, self._event_documents(state, events, facts))
        return _Decision(aggregate, 0, refusal, facts, [self._outcome_document(state, refusal, facts)])

    def _record(self, state: State, decision: _Decision) -> Outcome:
        documents = decision.documents
        self._sent = documents[0]["hash"]
        state.session = self._append(documents)
        if decision.events:
            state.aggregate = decision.aggregate
            state.version, state.head = documents[-1]["version"], documents[-1]["hash"]
            self._take_snapshot(state)
        token = position.encode(self._stream, state.version, state.session)
        return Outcome(self._stream, state.version, token, False, decision.facts, decision.refusal, decision.events)

    def _append(self, documents: Sequence[Document]) -> str:
        if not self._claimed:
            self._claim(str(self._command.claimed_in))
            self._claimed = True
        return self._parts.log.append(self._stream, documents)

    def _claim(self, place: str) -> None:
        """From here on the id creates this stream or none. A claim that is there already may be this very command's."""
        recorded_at = _common_meta(self._command)["recorded_at"]
        try:
            self._parts.log.append(place, [claim_document(place, self._stream, self._command, recorded_at)])
        except Taken as taken:
            tail = self._parts.log.tail(place, MAX_VERSION, command_id=self._command.id, session=taken.session)
            if tail.of_command is None:
                raise StoreBusy(place, f"what took command {self._command.id} cannot be read") from None
            check_same(place, self._command, tail.of_command, claims=self._stream)

    def _facts(self, aggregate: Any) -> Mapping[str, Any]:
        """As they will be read back, so that the first answer and its repetitions are equal."""
        if self._answer is None or aggregate is None:
            return {}
        facts: Mapping[str, Any] = orjson.loads(orjson.dumps(self._answer(aggregate)))
        return facts

    def _event_documents(self, state: State, events: Sequence[Any], facts: Mapping[str, Any]) -> list[Document]:
        common = _common_meta(self._command)
        first = {"fingerprint": self._command.fingerprint, "count": len(events), "answer": facts}
        documents: list[Document] = []
        prev, version = state.head, state.version
        for event, command_id in zip(events, command_ids(self._command.id, len(events)), strict=True):
            stored = self._parts.mapper.to_stored_event(event)
            follows = stored.originator_version == version + 1 or not (state.exists or documents)
            if stored.originator_id != self._stream or not follows:
                raise ValueError(
                    f"stream {self._stream} is at version {version} and cannot be followed by "
                    f"{stored.originator_id}, version {stored.originator_version}: decide() must go on from the "
                    "aggregate that it is given"
                )
            version = stored.originator_version
            document = sealed(
                event_id(version),
                stream=self._stream,
                version=version,
                type_name=stored.topic,
                schema=schema_of(type(event)),
                state=stored.state,
                meta={"id": str(uuid4()), **common, **({} if documents else first)},
                command_id=command_id,
                prev=prev,
            )
            prev = document["hash"]
            documents.append(document)
        return documents

    def _outcome_document(self, state: State, refusal: Refusal | None, facts: Mapping[str, Any]) -> Document:
        return outcome_document(
            stream=self._stream,
            version=state.version,
            head=state.head,
            command_id=self._command.id,
            refusal=refusal,
            meta={**_common_meta(self._command), "fingerprint": self._command.fingerprint, "answer": facts},
        )

    def _take_snapshot(self, state: State) -> None:
        snapshots = self._parts.snapshots
        due = state.version - state.snapshot_version >= self._parts.snapshot_every
        if snapshots and due and snapshots.write(self._stream, state.aggregate, state.head):
            state.snapshot_version = state.version


def look_up(log: EventLog, stream: str, command: Command) -> Outcome | None:
    """What is recorded under the command's id, None if nothing is, as of this moment."""
    session = fence(log, stream, command.id)
    found = log.tail(stream, MAX_VERSION, command_id=command.id, session=session)
    return None if found.of_command is None else outcome_of(found.of_command, command, found.session)


def _common_meta(command: Command) -> dict[str, Any]:
    if "recorded_at" in command.metadata:
        return dict(command.metadata)
    return {"recorded_at": datetime.now(UTC).isoformat(), **command.metadata}


def _refusal(refused: Exception) -> Refusal:
    return Refusal(refused.code, refused.message, dict(refused.details))  # type: ignore[attr-defined]
