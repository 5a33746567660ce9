"""Commands, and what became of them: one id, one outcome, forever.

An accepted command is its events. A command that a rule refused, or that had nothing to do, is one small document in
the stream's partition under the same unique command id; its id, "-" and a digest of the command id, sorts before
every version. It is no event: folds, views and the relay never see it. `prev` is the hash of the last event that the
decision was made on, so an outcome is bound to a state of its stream; its own hash covers it as an event's does.

An id is unique in its stream. A command that creates a stream chooses it, so of two such commands with one id each
would find nothing of the other. Where they may not both take effect, the id by itself names a stream as well, and a
command that creates another one leaves a claim there first: a document of the same shape under the same id, which says
which stream the id creates. Whoever comes later, for that stream or another one, finds it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Self

import orjson

from eventstore.errors import CommandReused
from eventstore.log import position
from eventstore.log.chain import genesis
from eventstore.log.documents import Document, RecordedEvent, is_event, sealed
from eventstore.log.limits import check_command_id

REFUSED: Final = "outcome.refused"
UNCHANGED: Final = "outcome.unchanged"
CLAIMED: Final = "outcome.claimed"

_KEYED: Final = re.compile(r"([0-9a-f]{64})~([^~]+)~[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Command:
    """A command's identity. `fingerprint` is a digest of its content, so that an id cannot come again with another.

    A fingerprint of three parts, `<SHA-256>~<key>~<SHA-256>`, ends with a digest that only who has a key can make. It
    counts only against another one under the same key: once a key is destroyed, nobody can compare any more.

    `metadata` goes into the events' meta as it is: `recorded_at` (ISO 8601, set by the caller's clock), `actor`,
    `reason`, `correlation`, `causation`, `traceparent`.

    `claimed_in` is the stream that the id names by itself, for a command that creates a stream: of all commands with
    this id and this `claimed_in` one takes effect, whatever streams they are for.

    Raises:
        CommandInvalid: the id is empty, longer than 512 characters, or has control characters or a "/", which numbers a
            command's events.
    """

    id: str
    fingerprint: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    claimed_in: str | None = None

    def __post_init__(self) -> None:
        check_command_id(self.id)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a rule said: a stable code, a sentence, and the numbers in it (JSON values)."""

    code: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command, the same each time it is asked for.

    `version` is the stream's after the command's events, or the one that a refusal or a no-op was decided on.
    `position` is a token (`eventstore.log.position`). `replayed`: the command had been recorded before. `answer` is
    what the caller's `answer` function said when the command was recorded. `events` is their number.
    """

    stream: str
    version: int
    position: str
    replayed: bool
    answer: Mapping[str, Any]
    refusal: Refusal | None
    events: int


@dataclass(frozen=True, slots=True)
class RecordedOutcome:
    """A command without events as it was recorded: refused, or nothing to do (`refusal` None)."""

    stream: str
    version: int
    refusal: Refusal | None
    meta: dict[str, Any]
    command_id: str
    prev: str
    hash: str

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """
        Raises:
            MalformedDocument: the document is not an outcome.
        """
        recorded = RecordedEvent.from_document(document)
        return cls(
            recorded.stream,
            recorded.version,
            Refusal(**orjson.loads(recorded.state)) if recorded.type == REFUSED else None,
            recorded.meta,
            recorded.command_id,
            recorded.prev,
            recorded.hash,
        )


def outcome_id(command_id: str) -> str:
    """The document id of the outcome of a command without events."""
    return "-" + sha256(command_id.encode()).hexdigest()


def outcome_document(
    *,
    stream: str,
    version: int,
    head: str,
    command_id: str,
    refusal: Refusal | None,
    meta: Mapping[str, Any],
) -> Document:
    """The document of a refusal, or of a no-op if `refusal` is None. `head` is the hash of the stream's last event."""
    content = {"code": refusal.code, "message": refusal.message, "details": refusal.details} if refusal else {}
    return sealed(
        outcome_id(command_id),
        stream=stream,
        version=version,
        type_name=REFUSED if refusal else UNCHANGED,
        schema=1,
        state=orjson.dumps(content),
        meta=meta,
        command_id=command_id,
        prev=head,
    )


def outcome_of(recorded: Document, command: Command, session: str, *, replayed: bool = True) -> Outcome:
    """What a command left behind, an event or an outcome's document, as the outcome that it is.

    `session` is the session token of the read that found it.

    Raises:
        CommandReused: the recorded command of this id had another fingerprint, or was for another stream.
    """
    stream, meta = recorded["streamId"], orjson.loads(recorded["meta"])
    check_same(stream, command, recorded)
    if is_event(recorded):
        events, refusal = meta["count"], None
        version = recorded["version"] + events - 1
    else:
        outcome = RecordedOutcome.from_document(recorded)
        events, refusal, version = 0, outcome.refusal, outcome.version
    token = position.encode(stream, version, session)
    return Outcome(stream, version, token, replayed, meta["answer"], refusal, events)


def claim_document(place: str, stream: str, command: Command, recorded_at: str) -> Document:
    """The claim of a command's id in `place`: it creates `stream`. What else the command says is with its events."""
    return sealed(
        outcome_id(command.id),
        stream=place,
        version=0,
        type_name=CLAIMED,
        schema=1,
        state=orjson.dumps({"stream": stream}),
        meta={
            "recorded_at": recorded_at,
            **{name: command.metadata[name] for name in ("actor",) if name in command.metadata},
            "fingerprint": command.fingerprint,
        },
        command_id=command.id,
        prev=genesis(place),
    )


def check_same(stream: str, command: Command, recorded: Mapping[str, Any], *, claims: str | None = None) -> None:
    """`claims` is the stream that the command's own claim would say, where a claim is looked for and no outcome.

    Raises:
        CommandReused: the recorded command of this id had another fingerprint, or was for another stream.
    """
    claimed = orjson.loads(recorded["state"])["stream"] if recorded["type"] == CLAIMED else None
    fingerprint = orjson.loads(recorded["meta"]).get("fingerprint")
    if claimed != claims or not _agree(str(fingerprint), command.fingerprint):
        raise CommandReused(stream, command.id)


def _agree(recorded: str, given: str) -> bool:
    if recorded == given:
        return True
    before, now = _KEYED.fullmatch(recorded), _KEYED.fullmatch(given)
    if before is None or now is None:
        return False
    return before[1] == now[1] and before[2] != now[2]
