"""The relay publishes the log to the hub: every event, in order per stream, again after any failure."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest
from azure.cosmos import CosmosClient
from azure.eventhub import EventData

from localazure.eventhubs import FaultKind, RunningServer
from projectors.processor.worker import Worker
from projectors.relay import EventHubPublisher, EventHubsSettings, relay
from tests.projectors.relay.events import recorded

Arrived = Callable[[int], Sequence[EventData]]


def body(message: EventData) -> dict[str, Any]:
    return dict(orjson.loads(message.body_as_str()))


def versions(messages: Sequence[EventData], stream: str) -> list[int]:
    return [int(event["sequence"]) for event in map(body, messages) if event["subject"] == stream]


def worker(client: CosmosClient, database: str, publisher: EventHubPublisher) -> Worker:
    return Worker(client, database, [relay(publisher)], views=())


def test_every_event_arrives_with_its_stream_as_partition_key(
    client: CosmosClient, database: str, publisher: EventHubPublisher, append: Callable[..., None], arrived: Arrived
) -> None:
    streams = [f"account-{n}" for n in range(6)]
    for version in (1, 2, 3):
        for stream in streams:
            append(stream, version)
    assert worker(client, database, publisher).run_until_idle(30).idle
    messages = arrived(18)
    assert len(messages) == 18
    assert all(versions(messages, stream) == [1, 2, 3] for stream in streams)
    assert {message.partition_key.decode() for message in messages if message.partition_key} == set(streams)
    assert {message.content_type for message in messages} == {"application/cloudevents+json"}


def test_a_stream_lies_in_the_partition_that_its_key_would_choose(
    publisher: EventHubPublisher, settings: EventHubsSettings, arrived: Arrived
) -> None:
    streams = [f"account-{n}" for n in range(20)]
    producer = settings.producer()
    with producer:
        for stream in streams:
            producer.send_event(EventData(orjson.dumps({"subject": stream, "sequence": "0"})), partition_key=stream)
    publisher.publish([recorded(stream, 1) for stream in streams])
    messages = arrived(40)
    by_offset: dict[str, list[int]] = {stream: versions(messages, stream) for stream in streams}
    assert all(found == [0, 1] for found in by_offset.values())


def test_a_page_costs_one_send_per_hub_partition(
    publisher: EventHubPublisher, hub: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends: list[int] = []
    original = publisher._producer.send_batch
    monkeypatch.setattr(
        publisher._producer,
        "send_batch",
        lambda batch, **options: (sends.append(len(batch)), original(batch, **options)),
    )
    publisher.publish([recorded(f"account-{n}", 1) for n in range(300)])
    assert len(sends) == len(hub.hubs.hub("ledger-events").partitions)
    assert sum(sends) == 300


def test_an_event_over_the_hubs_limit_goes_out_as_its_envelope(publisher: EventHubPublisher, arrived: Arrived) -> None:
    large = b'{"text":"' + b"x" * 1_100_000 + b'"}'
    publisher.publish([recorded("account-a", 1), recorded("account-a", 2, state=large), recorded("account-a", 3)])
    messages = arrived(3)
    assert versions(messages, "account-a") == [1, 2, 3]
    envelope = body(messages[1])
    assert "data" not in envelope
    assert envelope["dataref"] == "/streams/account-a/events/2"


def test_a_send_whose_answer_is_lost_is_sent_again_and_known_by_its_id(
    client: CosmosClient,
    database: str,
    publisher: EventHubPublisher,
    append: Callable[..., None],
    arrived: Arrived,
    hub: RunningServer,
) -> None:
    for version in (1, 2):
        append("account-a", version)
    hub.faults.inject(FaultKind.DROP_AFTER_STORE, side="producer")
    visit = worker(client, database, publisher).run_until_idle(60)
    assert visit.idle
    found = [body(message) for message in arrived(4)]
    assert [event["sequence"] for event in found] == ["0000000001", "0000000002"] * 2
    assert len({event["id"] for event in found}) == 2


def test_an_outage_of_the_hub_loses_nothing(
    client: CosmosClient,
    database: str,
    publisher: EventHubPublisher,
    append: Callable[..., None],
    arrived: Arrived,
    hub: RunningServer,
) -> None:
    relaying = worker(client, database, publisher)
    append("account-a", 1)
    hub.faults.inject(FaultKind.BUSY, side="producer", times=6)
    relaying.run_until_idle(1)
    append("account-a", 2)
    while not relaying.run_until_idle(10).idle:
        pass
    seen = versions(arrived(2), "account-a")
    assert list(dict.fromkeys(seen)) == [1, 2]
