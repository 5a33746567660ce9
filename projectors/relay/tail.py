"""Reads events from the hub as they come, for people and scripts: `tidemark tail`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.eventhub import EventData, EventHubConsumerClient, PartitionContext
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat

START, END = "START", "END"


class NotACloudEvent(Exception):
    """A message of the hub that somebody else put there, or that was cut."""


@dataclass(frozen=True, slots=True)
class HubEvent:
    """A CloudEvent with its place in the hub."""

    event: BaseCloudEvent
    raw: bytes
    partition: str
    offset: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What to show: one stream, one event type, or everything."""

    stream: str | None = None
    type: str | None = None

    def takes(self, event: BaseCloudEvent) -> bool:
        return self.stream in (None, event.get_subject()) and self.type in (None, event.get_type())


def starting_position(text: str) -> str | datetime:
    """START, END, or a time in ISO 8601 (UTC unless it says otherwise), as the SDK wants it.

    Raises ValueError with the three forms.
    """
    if text.upper() in (START, END):
        return "-1" if text.upper() == START else "@latest"
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is none of START, END, or a time such as 2026-11-23T08:00:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def tail(
    client: EventHubConsumerClient,
    show: Callable[[HubEvent], None],
    *,
    start: str | datetime,
    selection: Selection,
    on_error: Callable[[Exception], None],
) -> None:
    """Calls `show` for each selected event of every partition, until the client is closed.

    Events of one stream come in order; partitions come side by side. A message that is no CloudEvent goes to
    `on_error`, as do the SDK's connection errors, and reading goes on.
    """

    def on_batch(context: PartitionContext, messages: list[EventData]) -> None:
        for message in messages:
            raw = message.body_as_str().encode()
            try:
                event = JSONFormat().read(None, raw)
            except (ValueError, KeyError, BaseCloudEventException) as error:
                on_error(NotACloudEvent(f"partition {context.partition_id}, offset {message.offset}: {error}"))
                continue
            if selection.takes(event):
                show(HubEvent(event, raw, context.partition_id, message.offset or ""))

    def on_partition_error(_: PartitionContext | None, error: Exception) -> None:
        on_error(error)

    # One event at a time, the SDK waits 0.2 s on every idle partition between two events of a busy one.
    client.receive_batch(on_event_batch=on_batch, on_error=on_partition_error, starting_position=start)
