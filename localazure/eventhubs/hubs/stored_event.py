"""A stored event taken apart, for those who look at what was sent without receiving it."""

from __future__ import annotations

from dataclasses import dataclass

from localazure.amqp.decode import content, decode
from localazure.amqp.message import ANNOTATIONS, APPLICATION_PROPERTIES, DATA, PARTITION_KEY, sections


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event of a partition. `body` is its data sections together; empty for an AMQP value or sequence."""

    partition: int
    sequence: int
    key: str | None
    """The partition key that it was sent with."""
    properties: dict[str, object]
    """The application properties; text as str, binary as bytes."""
    body: bytes


def stored_event(partition: int, sequence: int, message: bytes) -> StoredEvent:
    """The event in a message as consumers get it."""
    annotations: dict[str, object] = {}
    properties: dict[str, object] = {}
    body = b""
    for part in sections(message):
        if part.code == ANNOTATIONS:
            annotations = _mapping(message, part.value)
        elif part.code == APPLICATION_PROPERTIES:
            properties = _mapping(message, part.value)
        elif part.code == DATA:
            _, start, end = content(message, part.value)
            body += message[start:end]
    key = annotations.get(PARTITION_KEY)
    return StoredEvent(partition, sequence, str(key) if key is not None else None, properties, body)


def _mapping(message: bytes, position: int) -> dict[str, object]:
    value, _ = decode(message, position)
    return {_text(name): item for name, item in value.items()} if isinstance(value, dict) else {}


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
