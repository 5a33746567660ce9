"""`PERSISTENCE_MODULE=eventstore`: Cosmos DB for any application of the eventsourcing library.

    PERSISTENCE_MODULE   eventstore
    COSMOS_…             eventstore.cosmos.settings; with the application's name in front (MYAPP_COSMOS_DATABASE) for
    one alone CREATE_TABLE         y: create database and containers that are missing. Default: only on this machine

The library's own settings work as ever: COMPRESSOR_TOPIC, CIPHER_TOPIC, CIPHER_KEY, MAPPER_TOPIC, TRANSCODER_TOPIC,
IS_SNAPSHOTTING_ENABLED, AGGREGATE_CACHE_MAXSIZE. `MAPPER_TOPIC=eventstore:Mapper` with
`TRANSCODER_TOPIC=eventstore:PlainTranscoder` stores plain JSON.
"""

from functools import cached_property
from typing import Any, Final

from azure.core.pipeline.transport import HttpTransport
from azure.cosmos import ContainerProxy, CosmosClient
from eventsourcing.persistence import AggregateRecorder, ApplicationRecorder, InfrastructureFactory, ProcessRecorder
from eventsourcing.utils import resolve_topic, strtobool

from eventstore.cosmos.client import connect
from eventstore.cosmos.containers import EVENTS, LEASES, SNAPSHOTS, ContainerSpec, create_containers
from eventstore.cosmos.settings import CosmosSettings
from eventstore.library.recorder import CosmosAggregateRecorder, CosmosApplicationRecorder
from eventstore.library.snapshot_recorder import CosmosSnapshotRecorder
from eventstore.library.tracking import CosmosProcessRecorder, CosmosTrackingRecorder

_SNAPSHOTS: Final = "snapshots"


class Factory(InfrastructureFactory[CosmosTrackingRecorder]):
    """The library's infrastructure on Cosmos DB. The database is reached when the first recorder is asked for."""

    CREATE_TABLE = "CREATE_TABLE"

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Events, or snapshots if that is the purpose."""
        if purpose == _SNAPSHOTS:
            return CosmosSnapshotRecorder(self._container(SNAPSHOTS))
        return CosmosAggregateRecorder(self._container(EVENTS))

    def application_recorder(self) -> ApplicationRecorder:
        """Events, without a notification log."""
        return CosmosApplicationRecorder(self._container(EVENTS))

    def tracking_recorder(
        self, tracking_recorder_class: type[CosmosTrackingRecorder] | None = None
    ) -> CosmosTrackingRecorder:
        """Tracking positions; the class is the argument, else TRACKING_RECORDER_TOPIC's, else the standard one."""
        if tracking_recorder_class is None:
            topic = self.env.get(self.TRACKING_RECORDER_TOPIC)
            tracking_recorder_class = resolve_topic(topic) if topic else CosmosTrackingRecorder
        return tracking_recorder_class(self._container(LEASES))

    def process_recorder(self) -> ProcessRecorder:
        """Events and tracking positions, though not in one transaction."""
        return CosmosProcessRecorder(self._container(EVENTS), self._container(LEASES))

    def transport(self) -> HttpTransport[Any, Any] | None:
        """How requests travel; None is HTTP. For subclasses."""
        return None

    def close(self) -> None:
        """Close the client if one was opened."""
        if "_client" in vars(self):
            self._client.close()

    @cached_property
    def _settings(self) -> CosmosSettings:
        return CosmosSettings.load(self.env)

    @cached_property
    def _client(self) -> CosmosClient:
        client = connect(self._settings, transport=self.transport())
        if strtobool(self.env.get(self.CREATE_TABLE, "y" if self._settings.is_local else "n")):
            create_containers(client, self._settings.database)
        return client

    def _container(self, spec: ContainerSpec) -> ContainerProxy:
        return self._client.get_database_client(self._settings.database).get_container_client(spec.name)
