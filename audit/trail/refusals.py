"""Commands that left no event, as an auditor reads them: who was refused what, and whether that was touched since."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from audit.trail.entries import meta_of
from eventstore.log.documents import Document
from eventstore.log.outcomes import REFUSED
from eventstore.log.verification import document_problem


@dataclass(frozen=True, slots=True)
class Refused:
    """`code` and `message` are None where there was nothing to do; `version` is the one that was decided on.

    `problem` says what shows that the record was altered, None if nothing does.
    """

    stream: str
    version: int
    code: str | None
    message: str | None
    details: Mapping[str, Any] = field(default_factory=dict)
    recorded_at: str | None = None
    actor: str | None = None
    correlation: str | None = None
    command: str = ""
    problem: str | None = None
    hash: str = ""


def refused_of(document: Document) -> Refused:
    """An outcome's document, altered or not: what cannot be read is left out, and `problem` says so."""
    meta = meta_of(document)
    said = _refusal(document)
    return Refused(
        stream=str(document.get("streamId")),
        version=document["version"] if isinstance(document.get("version"), int) else 0,
        code=_text(said.get("code")),
        message=_text(said.get("message")),
        details=said["details"] if isinstance(said.get("details"), dict) else {},
        recorded_at=_text(meta.get("recorded_at")),
        actor=_text(meta.get("actor")),
        correlation=_text(meta.get("correlation")),
        command=str(document.get("commandId")),
        problem=document_problem(document),
        hash=str(document.get("hash")),
    )


def _refusal(document: Document) -> dict[str, Any]:
    if document.get("type") != REFUSED:
        return {}
    unreadable = {"code": "UNREADABLE", "message": "what was said cannot be read"}
    try:
        said = orjson.loads(document["state"])
    except (KeyError, TypeError, orjson.JSONDecodeError):
        return unreadable
    return said if isinstance(said, dict) and said.get("code") else unreadable


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
