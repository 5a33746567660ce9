"""The one composition root: from settings to everything that the HTTP apps and the workers need. Nothing here connects
to anything: what cannot be reached shows with the first request, and in /health/ready."""

import threading
from dataclasses import dataclass

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
from projectors.processes import Processes, ProcessSettings, Watchdog
from projectors.reader import ViewReader
from projectors.relay import EventHubPublisher, EventHubsSettings, relay
from projectors.settings import WorkerSettings
from projectors.worker import Worker

__all__ = ["Consumers", "build_consumers", "build_services", "build_store"]


def build_store(client: CosmosClient, database: str) -> CommandStore:
    containers = client.get_database_client(database)
    return CommandStore(containers, mapper=Mapper(), fold=fold, refusals=Refused, snapshot_class=Snapshot)


def build_services(
    settings: Settings,
    client: CosmosClient,
    database: str,
    *,
    on_outcome: OnOutcome = lambda _operation, _body, _outcome: None,
) -> Services:
    """What the HTTP apps work with. Raises SettingsError when authentication is not configured."""
    return Services(
        settings=settings,
        authenticator=authenticator(settings),
        clock=utc_now,
        store=build_store(client, database),
        history=History(client.get_database_client(database).get_container_client(EVENTS.name)),
        views=ViewReader(client, database),
        on_outcome=on_outcome,
    )


@dataclass(frozen=True, slots=True)
class Consumers:
    """The worker with all consumers, and the watchdog for what they could not finish."""

    worker: Worker
    watchdog: Watchdog

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        thread = threading.Thread(target=self.watchdog.run, args=(stop,), name="watchdog")
        thread.start()
        try:
            self.worker.run(stop)
        finally:
            stop.set()
            thread.join()


def build_consumers(
    client: CosmosClient,
    database: str,
    *,
    store: CommandStore | None = None,
    hub: EventHubsSettings | None = None,
    settings: WorkerSettings | None = None,
) -> Consumers:
    """All views, transfers, and the relay when there is a hub; what is not given is as the environment says.

    Where the API runs in the same process, give its `store`: the cache then serves both.
    """
    hub = hub or load(EventHubsSettings)
    store = store or build_store(client, database)
    processes = Processes.open(client, database, store, clock=utc_now, settings=load(ProcessSettings))
    consumers: list[Consumer] = [processes.consumer]
    if hub.configured:
        consumers.append(relay(EventHubPublisher(hub.producer(), source=f"urn:tidemark:{database}")))
    worker = Worker(client, database, consumers, settings=settings or load(WorkerSettings))
    return Consumers(worker, processes.watchdog)
