"""Reading a hub in tests."""

import threading
from collections.abc import Sequence

from azure.eventhub import EventData, PartitionContext

from projectors.relay import EventHubsSettings

PATIENCE = 30.0


def receive_all(settings: EventHubsSettings, at_least: int) -> Sequence[EventData]:
    """The hub's messages, partition by partition in order, as soon as there are `at_least` of them."""
    messages: list[EventData] = []
    errors: list[Exception] = []
    enough = threading.Event()

    def on_batch(_: PartitionContext, batch: list[EventData]) -> None:
        messages.extend(batch)
        if len(messages) >= at_least:
            enough.set()

    def on_error(_: PartitionContext | None, error: Exception) -> None:
        errors.append(error)

    consumer = settings.consumer()
    calls = {"on_event_batch": on_batch, "on_error": on_error, "starting_position": "-1"}
    reader = threading.Thread(target=consumer.receive_batch, kwargs=calls)
    reader.start()
    try:
        assert enough.wait(PATIENCE), f"{len(messages)} of {at_least} messages arrived; {errors}"
    finally:
        consumer.close()
        reader.join()
    return messages
