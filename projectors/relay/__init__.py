"""The way out: events of the log to Event Hubs, and what its readers need."""

from projectors.relay.checkpoints import CosmosCheckpointStore
from projectors.relay.publisher import EventHubPublisher

__all__ = ["CosmosCheckpointStore", "EventHubPublisher"]
