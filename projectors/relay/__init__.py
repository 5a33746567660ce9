"""The way out: events of the log to Event Hubs, and what its readers need."""

from projectors.container import Container
from projectors.relay.checkpoints import CosmosCheckpointStore
from projectors.relay.consumer import RELAY, Relay
from projectors.relay.drain import RelayDrain
from projectors.relay.parked import ParkedStreams
from projectors.relay.publisher import EventHubPublisher
from projectors.relay.settings import EventHubsSettings

__all__ = [
    "RELAY",
    "CosmosCheckpointStore",
    "EventHubPublisher",
    "EventHubsSettings",
    "RelayDrain",
    "parked_streams",
    "relay",
]


def relay(publisher: EventHubPublisher, leases: Container | None = None) -> Relay:
    """The consumer that publishes every event. What the hub does not take now is sent again; a stream of which it will
    never take an event waits in `leases`, the container of the relay's leases."""
    return Relay(publisher, None if leases is None else parked_streams(leases))


def parked_streams(leases: Container) -> ParkedStreams:
    """The relay's dead letters."""
    return ParkedStreams(leases, RELAY)
