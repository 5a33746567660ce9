"""The way out: events of the log to Event Hubs, and what its readers need."""

from projectors.consumer import PageConsumer
from projectors.relay.checkpoints import CosmosCheckpointStore
from projectors.relay.publisher import EventHubPublisher
from projectors.relay.settings import EventHubsSettings

__all__ = ["RELAY", "CosmosCheckpointStore", "EventHubPublisher", "EventHubsSettings", "relay"]

RELAY = "relay"
"""The name of the consumer: its leases say how far the hub has the log."""


def relay(publisher: EventHubPublisher) -> PageConsumer:
    """The consumer that publishes every event. It never parks: what the hub does not take is sent again."""
    return PageConsumer(RELAY, publisher.publish)
