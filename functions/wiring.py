"""The one composition root: from settings to everything that the HTTP apps and the workers need."""

from azure.cosmos import CosmosClient

from domain.aggregate import Snapshot, fold
from domain.errors import Refused
from eventstore.commands import CommandStore
from eventstore.containers import EVENTS
from eventstore.history import History
from eventstore.mapper import Mapper
from functions.auth import authenticator
from functions.clock import utc_now
from functions.services import OnOutcome, Services
from functions.settings import Settings, load
from projectors.consumer import Consumer
from projectors.reader import ViewReader
from projectors.relay import EventHubPublisher, EventHubsSettings, relay
from projectors.settings import WorkerSettings
from projectors.worker import Worker

__all__ = ["build_services", "build_worker"]


def build_services(
    settings: Settings,
    client: CosmosClient,
    database: str,
    *,
    on_outcome: OnOutcome = lambda _operation, _body, _outcome: None,
) -> Services:
    """Sends nothing: what cannot be reached shows with the first request, and in /health/ready."""
    containers = client.get_database_client(database)
    return Services(
        settings=settings,
        authenticator=authenticator(settings),
        clock=utc_now,
        store=CommandStore(containers, mapper=Mapper(), fold=fold, refusals=Refused, snapshot_class=Snapshot),
        history=History(containers.get_container_client(EVENTS.name)),
        views=ViewReader(client, database),
        on_outcome=on_outcome,
    )


def build_worker(
    client: CosmosClient, database: str, *, hub: EventHubsSettings | None = None, settings: WorkerSettings | None = None
) -> Worker:
    """A worker for all views, and for the relay when there is a hub; by default as the environment says."""
    hub = hub or load(EventHubsSettings)
    consumers: list[Consumer] = []
    if hub.configured:
        consumers.append(relay(EventHubPublisher(hub.producer(), source=f"urn:tidemark:{database}")))
    return Worker(client, database, consumers, settings=settings or load(WorkerSettings))
