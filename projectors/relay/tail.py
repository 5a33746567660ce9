"""Reads events from the hub as they come, for people and scripts: `tidemark tail`."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.eventhub import EventData, EventHubConsumerClient, PartitionContext
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat

START, END = "START", "END"
_PREFETCH = 10


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

    Events of one stream come in order; partitions come side by side, from threads of their own. A message that is no
    CloudEvent goes to `on_error`, as do the SDK's connection errors, and reading goes on.
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

    # Reading several partitions by one call, the SDK waits 0.2 s on each idle one before it looks at the next; and it
    # hands on what came only when a whole prefetch is there or nothing has come for 0.2 s.
    threads = [
        threading.Thread(
            target=client.receive_batch,
            args=(on_batch,),
            kwargs={
                "partition_id": partition,
                "on_error": on_partition_error,
                "starting_position": start,
                "prefetch": _PREFETCH,
            },
            daemon=True,
        )
        for partition in client.get_partition_ids()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
