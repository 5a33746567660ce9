"""What was sent can be looked at without receiving it."""

from collections.abc import Callable

import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub.amqp import AmqpAnnotatedMessage

from localazure.eventhubs import LocalEventHubs, RunningServer, StoredEvent
from localazure.eventhubs.errors import NotFound


def test_events_come_partition_after_partition_in_their_order(server: RunningServer, send: Callable[..., None]) -> None:
    send("one", "two", partition="1")
    send("three", partition="0")
    send("four", partition="1")
    found = [(event.partition, event.sequence, event.body) for event in server.events("orders")]
    assert found == [(0, 0, b"three"), (1, 0, b"one"), (1, 1, b"two"), (1, 2, b"four")]


def test_an_event_has_the_key_and_the_properties_that_its_sender_gave_it(
    server: RunningServer, producer: EventHubProducerClient
) -> None:
    event = EventData(b"\x00\xff")
    event.properties = {"kind": "placed", "total": 500, "raw": b"\x01"}
    producer.send_batch([event], partition_key="alice")
    [stored] = server.events("orders")
    assert stored == StoredEvent(
        stored.partition, 0, "alice", {"kind": "placed", "total": 500, "raw": b"\x01"}, b"\x00\xff"
    )


def test_a_body_in_several_sections_is_one_and_a_value_is_none(
    server: RunningServer, producer: EventHubProducerClient
) -> None:
    producer.send_event(AmqpAnnotatedMessage(data_body=[b"one", b"two"]), partition_id="0")
    producer.send_event(AmqpAnnotatedMessage(value_body={"a": 1}), partition_id="0")
    assert [(event.key, event.properties, event.body) for event in server.events("orders")] == [
        (None, {}, b"onetwo"),
        (None, {}, b""),
    ]


def test_a_hub_that_is_not_there_is_not_found(server: RunningServer, hubs: LocalEventHubs) -> None:
    for look in (server.events, hubs.events):
        with pytest.raises(NotFound, match="there is no hub 'payments'"):
            look("payments")
