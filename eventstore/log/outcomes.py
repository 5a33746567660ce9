"""Commands, and what became of them: one id, one outcome, forever.

An accepted command is its events. A command that a rule refused, or that had nothing to do, is one small document in
the stream's partition under the same unique command id; its id, "-" and a digest of the command id, sorts before
every version. It is no event: folds, views and the relay never see it. `prev` is the hash of the last event that the
decision was made on, so an outcome is bound to a state of its stream; its own hash covers it as an event's does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Self

import orjson

from eventstore.errors import CommandInvalid, CommandReused
from eventstore.log.documents import Document, RecordedEvent, sealed

MAX_COMMAND_ID: Final = 255
REFUSED: Final = "outcome.refused"
UNCHANGED: Final = "outcome.unchanged"

_KEYED: Final = re.compile(r"([0-9a-f]{64})~([^~]+)~[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Command:
    """A command's identity. `fingerprint` is a digest of its content, so that an id cannot come again with another.

    A fingerprint of three parts, `<SHA-256>~<key>~<SHA-256>`, ends with a digest that only who has a key can make. It
    counts only against another one under the same key: once a key is destroyed, nobody can compare any more.

    `metadata` goes into the events' meta as it is: `recorded_at` (ISO 8601, set by the caller's clock), `actor`,
    `reason`, `correlation`, `causation`, `traceparent`.

    Raises:
        CommandInvalid: the id is empty, longer than 255 characters, or has a "/", which numbers a command's events.
    """

    id: str
    fingerprint: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < len(self.id) <= MAX_COMMAND_ID or "/" in self.id:
            raise CommandInvalid(
                f"a command's id has 1 to {MAX_COMMAND_ID} characters and no '/', not {self.id[: MAX_COMMAND_ID + 1]!r}"
            )


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


def check_same(stream: str, command: Command, meta: Mapping[str, Any]) -> None:
    """
    Raises:
        CommandReused: the recorded command of this id had another fingerprint.
    """
    if not _agree(str(meta.get("fingerprint")), command.fingerprint):
        raise CommandReused(stream, command.id)


def _agree(recorded: str, given: str) -> bool:
    if recorded == given:
        return True
    before, now = _KEYED.fullmatch(recorded), _KEYED.fullmatch(given)
    if before is None or now is None:
        return False
    return before[1] == now[1] and before[2] != now[2]
