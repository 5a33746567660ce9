"""One event of the log as a CloudEvents 1.0 event in JSON.

========================  ====================================================================================
attribute                 value
========================  ====================================================================================
id                        the event's id (a UUID): the same however often the event is sent
source                    `urn:tidemark:<database>`
type, dataschema          the registered event name; `urn:tidemark:<type>:<schema version>`
subject                   the stream
time                      when the command took place; `recordedtime` when the event was appended
sequence                  the stream version, ten digits, so that it also sorts as text
correlationid             what the whole story has in common (a transfer, a request)
causationid               the command or event that led to this one
authid                    who asked for it (pseudonymous)
traceparent               W3C trace context of the request
dataref                   where to read the data, in place of data, when the hub would not take the event with it
========================  ====================================================================================

Data that is stored compressed or encrypted travels as it is stored, as `data_base64`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from eventstore.log.documents import RecordedEvent

CONTENT_TYPE = JSONFormat.CONTENT_TYPE
_FORMAT = JSONFormat()
_EXTENSIONS = {
    "correlationid": "correlation",
    "causationid": "causation",
    "authid": "actor",
    "traceparent": "traceparent",
    "recordedtime": "recorded_at",
}


def cloud_event(event: RecordedEvent, *, source: str) -> bytes:
    """The event as one JSON document (structured content mode)."""
    data = orjson.loads(event.state) if event.enc == "json" else event.state
    attributes = _attributes(event, data, source)
    attributes["datacontenttype"] = "application/json" if event.enc == "json" else "application/octet-stream"
    return _FORMAT.write(CloudEvent(attributes, data))


def cloud_event_by_reference(event: RecordedEvent, *, source: str) -> bytes:
    """The envelope alone, with `dataref` in place of data: for an event over the hub's limit.

    The reference is relative to the query API: `/streams/<stream>/events/<version>`.
    """
    attributes = _attributes(event, None, source)
    attributes["dataref"] = _reference(event)
    return _FORMAT.write(CloudEvent(attributes))


def bare_reference(event: RecordedEvent, *, source: str) -> bytes:
    """The least that tells of an event, for one whose envelope the hub refuses too, or that has no whole one: which
    event of which stream, of what type, and where to read it. An event without an id goes by its hash."""
    attributes = {
        "specversion": "1.0",
        "id": str(event.meta.get("id") or event.hash),
        "source": source,
        "type": event.type,
        "subject": event.stream,
        "sequence": f"{event.version:010d}",
        "dataref": _reference(event),
    }
    return _FORMAT.write(CloudEvent(attributes))


def _reference(event: RecordedEvent) -> str:
    return f"/streams/{event.stream}/events/{event.version}"


def _attributes(event: RecordedEvent, data: Any, source: str) -> dict[str, Any]:
    recorded_at = event.meta["recorded_at"]
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.meta["id"],
        "source": source,
        "type": event.type,
        "dataschema": f"urn:tidemark:{event.type}:{event.schema}",
        "subject": event.stream,
        "time": datetime.fromisoformat(_occurred_at(data) or recorded_at),
        "sequence": f"{event.version:010d}",
    }
    for extension, key in _EXTENSIONS.items():
        if value := event.meta.get(key):
            attributes[extension] = value
    return attributes


def _occurred_at(data: Any) -> str | None:
    timestamp = data.get("timestamp") if isinstance(data, Mapping) else None
    return timestamp if isinstance(timestamp, str) else None
