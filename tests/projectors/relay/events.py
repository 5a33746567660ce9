"""Recorded events to publish."""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from eventstore.log.chain import genesis
from eventstore.log.documents import RecordedEvent, event_id, sealed

STATE = b'{"amount":500,"timestamp":"2026-01-02T03:04:05+00:00"}'


def document(stream: str, version: int, *, state: bytes = STATE, enc: str = "json", **meta: Any) -> dict[str, Any]:
    """An event document; the event's id follows from stream and version."""
    meta = {"id": str(uuid5(NAMESPACE_URL, f"{stream}/{version}")), "recorded_at": "2026-01-02T03:04:06+00:00", **meta}
    return sealed(
        event_id(version),
        stream=stream,
        version=version,
        type_name="account.funds-credited",
        schema=1,
        state=state if enc == "json" else b"\xff" + state,
        meta=meta,
        command_id=f"command-{version}",
        prev=genesis(stream),
    )


def recorded(stream: str, version: int, **facts: Any) -> RecordedEvent:
    """The same as it is read from the log."""
    return RecordedEvent.from_document(document(stream, version, **facts))
