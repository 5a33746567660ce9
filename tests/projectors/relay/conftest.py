"""A local hub, events in a log, and what arrived."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from azure.cosmos import CosmosClient
from azure.eventhub import EventData

from eventstore.cosmos.containers import EVENTS
from localazure.eventhubs import LocalEventHubs, RunningServer, serve
from projectors.relay import EventHubPublisher, EventHubsSettings
from tests.projectors.relay.events import document
from tests.projectors.relay.readers import receive_all

HUB = "ledger-events"
SOURCE = "urn:tidemark:tidemark"


@pytest.fixture
def hub() -> Iterator[RunningServer]:
    with LocalEventHubs(hubs={HUB: 2}) as hubs, serve(hubs) as server:
        yield server


@pytest.fixture
def settings(hub: RunningServer) -> EventHubsSettings:
    return EventHubsSettings(connection_string=hub.connection_string(), hub=HUB)


@pytest.fixture
def publisher(settings: EventHubsSettings) -> Iterator[EventHubPublisher]:
    publisher = EventHubPublisher(settings.producer(), source=SOURCE)
    yield publisher
    publisher.close()


@pytest.fixture
def append(client: CosmosClient, database: str) -> Callable[[str, int], None]:
    """Appends an event to the log: `append(stream, version)`."""
    events = client.get_database_client(database).get_container_client(EVENTS.name)

    def append(stream: str, version: int) -> None:
        events.create_item(document(stream, version))

    return append


@pytest.fixture
def arrived(settings: EventHubsSettings) -> Callable[[int], Sequence[EventData]]:
    """All messages of the hub, in order within each partition, once there are at least so many."""
    return lambda at_least: receive_all(settings, at_least)
