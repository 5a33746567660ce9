"""What the real azure-eventhub client can do against the local server."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.aio import EventHubConsumerClient as AsyncConsumer
from azure.eventhub.aio import EventHubProducerClient as AsyncProducer
from azure.eventhub.amqp import AmqpAnnotatedMessage, AmqpMessageHeader, AmqpMessageProperties
from azure.eventhub.exceptions import AuthenticationError

from localazure.eventhubs import LocalEventHubs, serve
from localazure.eventhubs.hubs.hashing import partition_of


def test_a_batch_comes_back_in_order_with_numbers_offsets_and_times(server, send, receive):
    send(*(f"event {number}" for number in range(20)), partition="1")

    got = receive(server, 20, partition_id="1")

    assert [event.body_as_str() for _, event in got] == [f"event {number}" for number in range(20)]
    assert [event.sequence_number for _, event in got] == list(range(20))
    offsets = [int(event.offset) for _, event in got]
    assert offsets == sorted(set(offsets))
    assert all(abs(datetime.now(UTC) - event.enqueued_time) < timedelta(minutes=1) for _, event in got)


def test_all_events_of_a_partition_key_go_to_the_partition_that_the_key_hashes_to(server, send, receive):
    keys = ["account-alice", "account-bob", "dave", "żółć"]
    for key in [*keys, *keys]:
        send("one", "two", key=key)

    got = receive(server, 16)

    placed = {event.partition_key.decode(): partition for partition, event in got}
    assert placed == {key: str(partition_of(key, 2)) for key in keys}
    assert set(placed.values()) == {"0", "1"}
    assert all(partition == placed[event.partition_key.decode()] for partition, event in got)


def test_batches_without_partition_or_key_take_turns(server, send, receive):
    send("one")
    send("two")
    assert {partition for partition, _ in receive(server, 2)} == {"0", "1"}


def test_an_annotated_message_keeps_everything_that_its_sender_said(server, producer, receive):
    message = AmqpAnnotatedMessage(
        data_body=[b"one", b"two"],
        header=AmqpMessageHeader(priority=3, durable=True),
        properties=AmqpMessageProperties(message_id="m-1", content_type="application/json", subject="s"),
        application_properties={"text": "ä", "number": 7, "flag": True},
        annotations={"x-mine": "kept", "x-opt-sequence-number": 99},
        delivery_annotations={"mine": "too"},
        footer={"f": 1},
    )
    producer.send_event(message, partition_id="0")

    [(_, event)] = receive(server, 1, partition_id="0")

    raw = event.raw_amqp_message
    assert list(raw.body) == [b"one", b"two"]
    assert (raw.header.priority, raw.header.durable) == (3, True)
    assert (raw.properties.message_id, raw.properties.content_type) == (b"m-1", b"application/json")
    assert raw.application_properties == {b"text": "ä".encode(), b"number": 7, b"flag": True}
    assert raw.annotations[b"x-mine"] == b"kept"
    assert event.sequence_number == 0
    assert raw.delivery_annotations == {b"mine": b"too"}
    assert raw.footer == {b"f": 1}


def test_an_event_of_nearly_a_megabyte_crosses_many_frames_unharmed(server, producer, receive):
    body = bytes(range(256)) * 4050
    batch = producer.create_batch(partition_id="0")
    batch.add(EventData(body))
    producer.send_batch(batch)
    [(_, event)] = receive(server, 1, partition_id="0")
    assert b"".join(event.body) == body


def test_a_reader_starts_behind_the_time_it_asks_for(server, hubs, send, receive):
    send("old", partition="0")
    old = datetime.fromtimestamp(hubs.hub("orders").partition("0").tail.last_ms / 1000, UTC)
    while datetime.now(UTC) <= old + timedelta(milliseconds=1):
        pass
    send("new", partition="0")
    assert receive(server, 1, start=old, partition_id="0")[0][1].body_as_str() == "new"


def test_the_asynchronous_client_sends_and_receives(server):
    async def there_and_back() -> list[str]:
        connection = server.connection_string("orders")
        async with AsyncProducer.from_connection_string(connection) as producer:
            await producer.send_batch([EventData(str(number)) for number in range(5)], partition_id="1")
        bodies: list[str] = []
        complete = asyncio.Event()
        async with AsyncConsumer.from_connection_string(connection, "$Default") as consumer:

            async def on_event(_, event):
                bodies.append(event.body_as_str())
                if len(bodies) == 5:
                    complete.set()

            reading = asyncio.create_task(consumer.receive(on_event, partition_id="1", starting_position="-1"))
            await asyncio.wait_for(complete.wait(), 20)
            reading.cancel()
        return bodies

    assert asyncio.run(there_and_back()) == ["0", "1", "2", "3", "4"]


def test_properties_tell_about_hub_and_partitions(producer, send):
    assert producer.get_eventhub_properties()["partition_ids"] == ["0", "1"]
    empty = producer.get_partition_properties("1")
    assert (empty["is_empty"], empty["last_enqueued_sequence_number"], empty["last_enqueued_offset"]) == (
        True,
        -1,
        "-1",
    )
    assert empty["last_enqueued_time_utc"].year == 1

    send("one", "two", partition="1")

    filled = producer.get_partition_properties("1")
    assert (filled["is_empty"], filled["beginning_sequence_number"], filled["last_enqueued_sequence_number"]) == (
        False,
        0,
        1,
    )


def test_a_reader_that_asks_for_it_is_told_the_end_of_its_partition(server, send):
    send("one", "two", "three", partition="0")
    known = []
    with EventHubConsumerClient.from_connection_string(server.connection_string("orders"), "$Default") as client:

        def on_event(context, _):
            known.append(context.last_enqueued_event_properties)
            client.close()

        client.receive(on_event, partition_id="0", starting_position="-1", track_last_enqueued_event_properties=True)
    assert known[0]["sequence_number"] == 2


def test_a_buffered_producer_delivers_everything_and_reports_it(server, receive):
    sent: list[int] = []
    with EventHubProducerClient.from_connection_string(
        server.connection_string("orders"),
        buffered_mode=True,
        max_wait_time=0.1,
        on_success=lambda events, _: sent.append(len(events)),
        on_error=lambda _events, _partition, error: pytest.fail(str(error)),
    ) as client:
        for number in range(50):
            client.send_event(EventData(str(number)), partition_key=f"stream-{number % 7}")
        client.flush()
    assert sum(sent) == 50
    assert sorted(int(event.body_as_str()) for _, event in receive(server, 50)) == list(range(50))


def test_a_configured_consumer_group_reads_and_group_names_have_no_case(server, send, receive):
    send("one", partition="0")
    assert receive(server, 1, group="AUDIT", partition_id="0")[0][1].body_as_str() == "one"


def test_a_hub_that_fits_a_pattern_is_made_on_first_use(receive):
    with LocalEventHubs(auto_create={"eh-conf-*": 3}) as hubs, serve(hubs) as server:
        with EventHubProducerClient.from_connection_string(server.connection_string("eh-conf-7")) as client:
            assert client.get_partition_ids() == ["0", "1", "2"]
            client.send_event(EventData("there"), partition_id="2")
        assert receive(server, 1, hub="eh-conf-7", partition_id="2")[0][1].body_as_str() == "there"


def test_the_official_emulators_connection_string_works_as_it_is(server):
    connection = (
        f"Endpoint=sb://localhost:{server.port};SharedAccessKeyName=RootManageSharedAccessKey;"
        "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;"
    )
    with EventHubProducerClient.from_connection_string(connection, eventhub_name="orders") as client:
        assert client.get_partition_ids() == ["0", "1"]


def test_a_wrong_key_is_named_in_the_clients_error(server):
    connection = server.connection_string("orders").replace("SAS_KEY_VALUE", "wrong")
    with (
        EventHubProducerClient.from_connection_string(connection, retry_total=0) as client,
        pytest.raises(AuthenticationError, match="is not the key of policy"),
    ):
        client.send_event(EventData("x"))


def test_a_server_that_comes_back_is_found_again_with_what_it_had(hubs, receive):
    with serve(hubs) as first:
        port = first.port
        with EventHubProducerClient.from_connection_string(first.connection_string("orders")) as client:
            client.send_event(EventData("before"), partition_id="0")
    with serve(hubs, port=port) as second:
        assert receive(second, 1, partition_id="0")[0][1].body_as_str() == "before"
