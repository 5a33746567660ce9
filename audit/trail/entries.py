"""One event as an auditor reads it: who, what, when, why, what it came to, and whether the chain holds there."""

from dataclasses import dataclass
from typing import Any

import orjson

from audit.narration import Figures, Narration
from audit.trail.readable import Readable
from eventstore.log.documents import Document, RecordedEvent
from eventstore.log.mapper import Mapper
from eventstore.log.verification import document_problem

UNREADABLE = "not readable: "


@dataclass(frozen=True, slots=True)
class Entry:
    """`figures` are the aggregate's numbers after the event, `change` that of the first of them; they count `unit`s.

    `problem` is None where the event's hash fits its content and the event before it, else it says what does not.
    `part` is the pair of events that this one belongs to, and whether it begins it. `fields` are the event's
    own, as its class has them today.
    """

    stream: str
    version: int
    type: str
    recorded_at: str | None
    sentence: str
    actor: str | None
    reason: str | None
    command: str
    correlation: str | None
    causation: str | None
    traceparent: str | None
    change: int | None
    figures: dict[str, int]
    unit: str | None
    part: tuple[str, bool] | None
    problem: str | None
    prev: str
    hash: str
    fields: dict[str, Any]


def entry_of(
    document: Document,
    *,
    before: str | None,
    readable: Readable,
    narration: Narration,
    figures: tuple[Figures | None, Figures | None] = (None, None),
    unit: str | None = None,
) -> Entry:
    """`before` is the hash of the event before, None where it was not read. `figures` are before and after it."""
    event, meta, said = _read(document, readable.mapper, narration)
    fields = {name: value for name, value in vars(event).items() if name in _own(event)} if event is not None else {}
    earlier, now = figures
    change = None
    if now is not None and now.running is not None:
        change = now.running - ((earlier.running or 0) if earlier else 0)
    return Entry(
        stream=str(document.get("streamId")),
        version=int(document["id"]),
        type=str(document.get("type")),
        recorded_at=meta.get("recorded_at"),
        sentence=said,
        actor=meta.get("actor"),
        reason=readable.text(meta.get("reason")) or fields.get("reason"),
        command=str(document.get("commandId")),
        correlation=meta.get("correlation"),
        causation=meta.get("causation"),
        traceparent=meta.get("traceparent"),
        change=change,
        figures=dict(now.values) if now else {},
        unit=unit,
        part=narration.part(str(document.get("type")), fields),
        problem=chain_problem(document, before),
        prev=str(document.get("prev")),
        hash=str(document.get("hash")),
        fields=fields,
    )


def chain_problem(document: Document, before: str | None) -> str | None:
    """What is wrong with the event's place in the chain, None if nothing is."""
    problem = document_problem(document)
    if problem is None and before is not None and document["prev"] != before:
        return "does not follow the event before it"
    return problem


def _read(document: Document, mapper: Mapper[str], narration: Narration) -> tuple[Any, dict[str, Any], str]:
    try:
        recorded = RecordedEvent.from_document(document)
        event = mapper.domain_event(recorded)
        return event, recorded.meta, narration.sentence(event)
    except Exception as error:  # noqa: BLE001 - an altered event may fail in any way, and has to be shown all the same
        return None, meta_of(document), f"{UNREADABLE}{error}"


def meta_of(document: Document) -> dict[str, Any]:
    """Who, when and why of a document; nothing where that cannot be read."""
    try:
        meta = orjson.loads(document["meta"])
    except (KeyError, TypeError, orjson.JSONDecodeError):
        return {}
    return meta if isinstance(meta, dict) else {}


_SHARED = frozenset({"originator_id", "originator_version", "originator_topic", "timestamp"})


def _own(event: Any) -> frozenset[str]:
    return frozenset(vars(event)) - _SHARED
