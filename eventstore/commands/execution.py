"""One command on its way: the loop of load, decide and record, with every turn that a conflict can take.

    events                -> append          conflict: load again, decide again
    refusal or no events  -> decided on a fresh state? record the outcome : make it fresh, decide again
    the command is there  -> say what became of it

The order makes one outcome per command id: an append and an outcome carry the same unique id, a refusal is answered
only after it is recorded, and after every conflict the command is looked up at the session token of that conflict.
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
from eventstore.log.documents import Document, command_ids, event_id, is_event, sealed
from eventstore.log.event_log import EventLog, Taken, pause
from eventstore.log.mapper import schema_of
from eventstore.log.outcomes import Command, Outcome, RecordedOutcome, Refusal, check_same, outcome_document

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
            if self._expected in (None, state.version):
                aggregate, events, refusal = self._decision(state)
                if events:
                    return state, self._accept(state, aggregate, events)
                if state.fresh:
                    return state, self._conclude(state, aggregate, refusal)
            elif state.fresh:
                self._parts.cache.put(self._stream, state)
                raise VersionMismatch(self._stream, self._expected or 0, state.version)
            state, recorded = self._refresh(state)
        return state, self._replay(state, recorded)

    def _load(self, session: str | None) -> tuple[State, Document | None]:
        return self._parts.states.load(self._stream, command_id=self._command.id, session=session)

    def _refresh(self, state: State) -> tuple[State, Document | None]:
        """The state with everything that was acknowledged before this moment, by whichever process."""
        probe = self._outcome_document(state, None, {})
        if state.exists:  # what is there already is refused at the first of the two documents, which costs least
            probe["id"] = event_id(state.version)
        session = self._parts.log.fence(self._stream, probe)
        if state.spoiled:
            return self._load(session)
        return state, self._parts.states.refresh(self._stream, state, command_id=self._command.id, session=session)

    def _decision(self, state: State) -> tuple[Any, Sequence[Any], Refusal | None]:
        try:
            aggregate = self._decide(state.aggregate)
        except self._parts.refusals as refused:
            if state.exists and state.aggregate.collect_events():
                state.spoiled = True
            return None, (), _refusal(refused)
        return aggregate, () if aggregate is None else aggregate.collect_events(), None

    def _accept(self, state: State, aggregate: Any, events: Sequence[Any]) -> Outcome:
        facts = self._facts(aggregate)
        documents = self._event_documents(state, events, facts)
        self._sent = documents[0]["hash"]
        state.session = self._parts.log.append(self._stream, documents)
        state.aggregate = aggregate
        state.version, state.head = documents[-1]["version"], documents[-1]["hash"]
        self._take_snapshot(state)
        return self._outcome(state.version, state.session, facts, events=len(events))

    def _conclude(self, state: State, aggregate: Any, refusal: Refusal | None) -> Outcome:
        facts = self._facts(aggregate)
        document = self._outcome_document(state, refusal, facts)
        self._sent = document["hash"]
        state.session = self._parts.log.append(self._stream, [document])
        return self._outcome(state.version, state.session, facts, refusal=refusal)

    def _replay(self, state: State, recorded: Document) -> Outcome:
        """What was recorded before; it may be this very execution's own write, whose answer was lost."""
        meta = orjson.loads(recorded["meta"])
        check_same(self._stream, self._command, meta)
        replayed = recorded["hash"] != self._sent
        if not is_event(recorded):
            outcome = RecordedOutcome.from_document(recorded)
            return self._outcome(
                outcome.version, state.session, meta["answer"], refusal=outcome.refusal, replayed=replayed
            )
        version = recorded["version"] + meta["count"] - 1
        return self._outcome(version, state.session, meta["answer"], events=meta["count"], replayed=replayed)

    def _outcome(
        self,
        version: int,
        session: str,
        facts: Mapping[str, Any],
        *,
        events: int = 0,
        refusal: Refusal | None = None,
        replayed: bool = False,
    ) -> Outcome:
        token = position.encode(self._stream, version, session)
        return Outcome(self._stream, version, token, replayed, facts, refusal, events)

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


def _common_meta(command: Command) -> dict[str, Any]:
    if "recorded_at" in command.metadata:
        return dict(command.metadata)
    return {"recorded_at": datetime.now(UTC).isoformat(), **command.metadata}


def _refusal(refused: Exception) -> Refusal:
    return Refusal(refused.code, refused.message, dict(refused.details))  # type: ignore[attr-defined]
