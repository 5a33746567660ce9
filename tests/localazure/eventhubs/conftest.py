"""A local Event Hubs server in memory with one hub of two partitions, and the real SDK to talk to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient

from localazure.eventhubs import LocalEventHubs, RunningServer, serve
from tests.localazure.eventhubs.eventhubs_wire import Wire, connect

Received = list[tuple[str, EventData]]


@pytest.fixture
def hubs() -> Iterator[LocalEventHubs]:
    with LocalEventHubs(hubs={"orders": 2}, consumer_groups={"orders": ["audit"]}) as local:
        yield local


@pytest.fixture
def server(hubs: LocalEventHubs) -> Iterator[RunningServer]:
    with serve(hubs) as running:
        yield running


@pytest.fixture
def producer(server: RunningServer) -> Iterator[EventHubProducerClient]:
    """A producer for `orders` that tries again at once."""
    with EventHubProducerClient.from_connection_string(
        server.connection_string("orders"), retry_backoff_factor=0.01
    ) as client:
        yield client


@pytest.fixture
def send(producer: EventHubProducerClient) -> Callable[..., None]:
    """send(*bodies, partition=None, key=None): one batch."""

    def send_bodies(*bodies: str, partition: str | None = None, key: str | None = None) -> None:
        producer.send_batch([EventData(body) for body in bodies], partition_id=partition, partition_key=key)

    return send_bodies


@pytest.fixture
def receive() -> Callable[..., Received]:
    """receive(server, count, …): the first `count` events of all partitions, or of one, as (partition, event)."""
    return receive_events


@pytest.fixture
def wire(server: RunningServer) -> Iterator[Wire]:
    """A bare connection that may use `orders`."""
    with connect(server) as client:
        assert client.authorize() == (202, "Accepted")
        yield client


def receive_events(
    server: RunningServer,
    count: int,
    *,
    hub: str = "orders",
    group: str = "$Default",
    start: Any = "-1",
    **options: Any,
) -> Received:
    client = EventHubConsumerClient.from_connection_string(
        server.connection_string(hub),
        group,
        retry_backoff_factor=0.01,
        load_balancing_strategy="greedy",
        load_balancing_interval=0.5,
    )
    got: Received = []

    def on_event(context: Any, event: EventData | None) -> None:
        if event is not None and len(got) < count:
            got.append((context.partition_id, event))
        if event is None or len(got) == count:
            client.close()

    with client:
        client.receive(on_event, starting_position=start, max_wait_time=20, **options)
    return got
