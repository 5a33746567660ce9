"""The one composition root: from settings to everything that the HTTP apps and the workers need. Nothing here connects
to anything: what cannot be reached shows with the first request, and in /health/ready."""

import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from azure.cosmos import CosmosClient

from audit.log import Log
from audit.verification.patrol import Patrol
from domain.aggregate import Snapshot, fold, personal_fields
from domain.errors import Refused
from domain.model import Model
from eventstore.commands.store import CommandStore
from eventstore.cosmos.containers import EVENTS, LEASES
from eventstore.environment import load
from eventstore.errors import MasterKeyUnusable, SettingsError
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from eventstore.personal import KeyWrapper, MemoryKey, PersonalData, PersonalSettings, SealedFields, SubjectKeys
from functions.audit.dependencies import AuditDesk, open_desk
from functions.http.auth import authenticator
from functions.http.clock import utc_now
from functions.http.dependencies import Dependencies, OnOutcome
from functions.http.personal import PersonalTexts
from functions.service import Service
from functions.settings import Settings
from projectors.container import Container
from projectors.processes.processes import Watchdog
from projectors.processor.worker import Worker
from projectors.relay import RELAY, EventHubPublisher, EventHubsSettings, relay
from projectors.settings import WorkerSettings
from projectors.throughput.meter import Meter
from projectors.throughput.pulse import SILENCE
from projectors.views.reader import ViewReader

__all__ = ["Consumers", "build_audit", "build_consumers", "build_services", "build_store", "require_master_key"]

_TICK: Final = 0.1
_MEMORY: Final = MemoryKey()
"""For a service of this machine alone that is given no other: what it encrypts is readable until the process ends."""


def build_store(model: Model, client: CosmosClient, database: str) -> CommandStore:
    """The store of commands on a domain's aggregates."""
    containers = client.get_database_client(database)
    mapper = Mapper[str](fields=SealedFields(personal_fields, carried=model.carries_texts))
    return CommandStore(containers, mapper=mapper, fold=fold, refusals=Refused, snapshot_class=Snapshot)


def build_services(
    service: Service,
    settings: Settings,
    client: CosmosClient,
    database: str,
    *,
    on_outcome: OnOutcome = lambda _operation, _body, _outcome: None,
    master: KeyWrapper | None = None,
) -> Dependencies:
    """What the HTTP apps work with. `master` wraps the keys of personal data; without it, as the settings say.

    Raises:
        SettingsError: authentication or the master key is not configured.
    """
    store = build_store(service.model, client, database)
    keys = SubjectKeys(client.get_database_client(database), master or require_master_key(settings) or _MEMORY)
    personal = PersonalData(keys)
    return Dependencies(
        settings=settings,
        authenticator=authenticator(settings),
        clock=utc_now,
        store=store,
        history=History(client.get_database_client(database).get_container_client(EVENTS.name)),
        views=ViewReader(client, database, service.views),
        personal=PersonalTexts(personal, store, service.model.subject_of),
        on_outcome=on_outcome,
    )


def build_audit(
    service: Service, settings: Settings, client: CosmosClient, database: str, personal: PersonalTexts
) -> AuditDesk:
    """What the query app shows under /audit; `personal` opens the texts that people may read there."""
    return open_desk(
        client,
        database,
        service.narration,
        service.views,
        service.health,
        personal=personal.data,
        digests=settings.digests,
    )


def require_master_key(settings: Settings) -> KeyWrapper | None:
    """The master key that the environment names. Raises SettingsError when one is needed and it cannot be used."""
    try:
        master = load(PersonalSettings).master_key()
    except MasterKeyUnusable as error:
        raise SettingsError(f"TIDEMARK_MASTER_KEY_ID: {error}") from None
    if master is None and settings.auth != "none":
        raise SettingsError("TIDEMARK_MASTER_KEY_ID must be set: a Key Vault key, to wrap the keys of personal data")
    return master


@dataclass(frozen=True, slots=True)
class Consumers:
    """The worker with its consumers, the watchdog for what processes could not finish, and the patrol along the log."""

    worker: Worker
    watchdog: Watchdog | None
    patrol: Patrol

    @property
    def hanging(self) -> list[str]:
        """What waits for something that does not come; nothing as long as all is well."""
        watching = [self.watchdog.pulse] if self.watchdog else []
        return self.worker.hanging + [pulse.name for pulse in watching if pulse.silence > SILENCE]

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. What hangs then is left behind: its lease expires."""
        if self.watchdog is None:
            self.worker.run(stop)
            return
        thread = threading.Thread(target=self.watchdog.run, args=(stop,), name="watchdog", daemon=True)
        thread.start()
        try:
            self.worker.run(stop)
        finally:
            stop.set()
            while thread.is_alive() and self.watchdog.pulse.silence <= SILENCE:
                thread.join(_TICK)


def build_consumers(
    service: Service,
    client: CosmosClient,
    database: str,
    *,
    store: CommandStore | None = None,
    hub: EventHubsSettings | None = None,
    settings: WorkerSettings | None = None,
    only: Collection[str] = (),
) -> Consumers:
    """All views, processes, and the relay when there is a hub; what is not given is as the environment says.

    Where the API runs in the same process, give its `store`: the cache then serves both. `only` names the consumers to
    run, all unless given; the watchdog belongs to the processes.

    Raises:
        SettingsError: `only` names what there is not.
    """
    hub = hub or load(EventHubsSettings)
    store = store or build_store(service.model, client, database)
    containers = client.get_database_client(database)
    leases = Container(containers.get_container_client(LEASES.name), meter=Meter(), stop=threading.Event())
    processes = service.processes(client, database, store, clock=utc_now)
    driven = {consumer.name for consumer in processes.consumers}
    _check_names(only, [*service.views, *sorted(driven)], hub)
    consumers = list(processes.consumers)
    if hub.configured:
        publisher = EventHubPublisher(hub.producer(), source=f"urn:tidemark:{database}")
        consumers.append(relay(publisher, leases))
    worker = Worker(
        client, database, consumers, views=service.views.values(), only=only, settings=settings or load(WorkerSettings)
    )
    log = Log(containers.get_container_client(EVENTS.name))
    watchdog = processes.watchdog if not only or driven & set(only) else None
    return Consumers(worker, watchdog, Patrol(log, leases, snapshot_fault=store.snapshot_fault))


def _check_names(names: Collection[str], own: Collection[str], hub: EventHubsSettings) -> None:
    known = [*own, RELAY]
    if unknown := sorted(set(names) - set(known)):
        raise SettingsError(f"there is no consumer {', '.join(unknown)}: choose from {', '.join(known)}")
    if RELAY in names and not hub.configured:
        raise SettingsError(
            "the relay needs a hub: set EVENTHUBS_CONNECTION_STRING, or EVENTHUBS_FULLY_QUALIFIED_NAMESPACE"
        )
