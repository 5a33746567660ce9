"""A whole Tidemark in one process on the local Cosmos DB, whose requests and charges are booked: what is measured."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
from azure.eventhub import EventDataBatch

from bench.capacity.api import Api
from bench.capacity.figures import Cost
from bench.eventstore import Metered
from eventstore.cosmos.client import connect
from eventstore.cosmos.containers import create_containers
from eventstore.cosmos.settings import CosmosSettings
from functions.composition import build_services, build_store
from functions.hosting import local
from functions.http.auth import Principal
from functions.settings import Settings
from localazure.cosmos import LocalCosmos
from projectors.consumer import Consumer
from projectors.database import Database
from projectors.leases.held import HeldLease
from projectors.ledger import VIEWS
from projectors.ledger.processes import LedgerProcesses, ProcessSettings
from projectors.processor.range_processor import RangeProcessor, Step
from projectors.relay import EventHubPublisher, relay
from projectors.settings import WorkerSettings
from projectors.views.consumer import ViewConsumer
from projectors.views.reader import ViewReader
from service import SERVICE

DATABASE = "tidemark"
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
CALLER = Principal("user:6f1d2c9e-8a0b-4c3d-9e7f-123456789abc", frozenset({"command", "query", "audit"}))
WORK = frozenset(
    ("create", "read", "replace", "upsert", "delete", "patch", "batch", "query", "queryplan", "changefeed")
)
"""Operations on items. What the SDK asks about the account and its containers it asks once per process."""
SETTINGS = WorkerSettings(parallel=0)


def STANDSTILL() -> float:  # noqa: N802 - a constant that is asked
    """The workers' clock."""
    return 1_800_000_000.0


class OneCaller:
    """Everybody is the same signed-in person, with an actor of the length that Entra ID's ids have."""

    async def principal(self, token: str | None, client_host: str | None) -> Principal:  # noqa: ARG002
        return CALLER


class CountingProducer:
    """Takes what the relay sends, with the SDK's own batches, and counts it."""

    def __init__(self) -> None:
        self.events = self.bytes = 0

    def get_partition_ids(self) -> list[str]:
        return ["0", "1", "2", "3"]

    def create_batch(self, *, partition_id: str) -> EventDataBatch:
        return EventDataBatch(max_size_in_bytes=1_048_576, partition_id=partition_id)

    def send_batch(self, batch: EventDataBatch, *, timeout: float) -> None:  # noqa: ARG002
        self.events += len(batch)
        self.bytes += batch.size_in_bytes

    def close(self) -> None:
        """Nothing is open."""


class Position:
    """One consumer on the only range of the feed, stepped by hand."""

    def __init__(self, stores: Database, consumer: Consumer) -> None:
        self._stores = stores
        self._consumer = consumer
        stores.leases.establish(consumer.name, stores.feed.ranges(), stores.feed.rid())
        self._take()

    def restart(self) -> None:
        """Another worker takes over, and remembers nothing."""
        self.release()
        self._take()

    def _take(self) -> None:
        (lease,) = self._stores.leases.of(self._consumer.name)
        held = HeldLease(self._stores.leases, self._stores.leases.take(lease, "bench"))
        self._runner = RangeProcessor(
            self._consumer,
            held,
            self._stores.feed,
            settings=SETTINGS,
            meter=self._stores.meter,
            clock=STANDSTILL,
        )

    def step(self) -> Step:
        """One page, or one poll in vain. Raises RuntimeError when it failed."""
        step = self._runner.step()
        if step is Step.FAILED:
            raise RuntimeError(f"{self._consumer.name} cannot go on: {self._runner.error}")
        return step

    def page(self) -> None:
        """One page. Raises RuntimeError when there is none."""
        if self.step() is Step.IDLE:
            raise RuntimeError(f"{self._consumer.name} finds nothing in the feed")

    def catch_up(self) -> int:
        """The pages until there was nothing more."""
        pages = 0
        while self.step() is not Step.IDLE:
            pages += 1
        return pages

    def renew(self) -> None:
        self._runner.held.renew()

    def release(self) -> None:
        self._runner.held.release()


class Ledger:
    """`cosmos` with Tidemark's containers, and everything that works on them."""

    def __init__(self, cosmos: LocalCosmos) -> None:
        self._cosmos = cosmos
        self._transport = Metered(cosmos.exchange)
        settings = CosmosSettings(endpoint=cosmos.endpoint, key=cosmos.key, database=DATABASE)
        self.client = connect(settings, transport=self._transport)
        create_containers(self.client, DATABASE, VIEWS.indexed)
        self._keys = itertools.count(1)
        self.producer = CountingProducer()
        self.stores = Database.open(self.client, DATABASE, clock=STANDSTILL)
        self.processes = LedgerProcesses.open(
            self.client,
            DATABASE,
            build_store(SERVICE.model, self.client, DATABASE),
            clock=lambda: NOW,
            settings=ProcessSettings(parallel=0),
        )
        self.positions = {consumer.name: Position(self.stores, consumer) for consumer in self.consumers()}

    def consumers(self) -> list[Consumer]:
        """Views, transfers, relay: what the projectors app works."""
        publisher: Any = EventHubPublisher(self.producer, source=f"urn:tidemark:{DATABASE}")  # type: ignore[arg-type]
        views: list[Consumer] = [
            ViewConsumer(view, 1, views=self.stores.views, history=self.stores.history, mapper=self.stores.mapper)
            for view in VIEWS.values()
        ]
        return [*views, self.processes.consumer, relay(publisher)]

    def api(self) -> Api:
        """A new process of the HTTP apps: nothing in its caches. Its clocks stand still."""
        services = build_services(SERVICE, Settings(auth="none"), self.client, DATABASE)
        reader = ViewReader(self.client, DATABASE, VIEWS, clock=lambda: 0.0)
        return Api(
            local.create_app(SERVICE, replace(services, authenticator=OneCaller(), clock=lambda: NOW, views=reader))
        )

    def key(self) -> str:
        """A new idempotency key, as long as a UUID."""
        return f"{next(self._keys):036d}"

    def accept(self, api: Api, path: str, body: dict[str, Any], key: str | None = None) -> None:
        """A command. Raises RuntimeError when it is not accepted."""
        status, answer = api.send("POST", path, body, key or self.key())
        if status not in (200, 201, 202):
            raise RuntimeError(f"{path} was answered with {status}: {answer}")

    def deposit(self, api: Api, account: str, key: str | None = None) -> None:
        """A command with one event."""
        self.accept(api, f"/accounts/{account}/deposits", {"amount": 12_345, "reference": "invoice 4711"}, key)

    def fetch(self, api: Api, path: str) -> None:
        """A query. Raises RuntimeError when it is not answered."""
        status, answer = api.send("GET", path)
        if status != 200:
            raise RuntimeError(f"{path} was answered with {status}: {answer}")

    def catch_up(self) -> None:
        """Until nobody finds anything: what transfers do is work for all others."""
        while sum(position.catch_up() for position in self.positions.values()):
            continue

    def count_events(self) -> int:
        """How many events the log holds."""
        return sum(1 for stream in self.stores.history.streams() for _ in self.stores.history.stream(stream))

    def cost(self, work: Callable[[], object]) -> Cost:
        """What the work asked of Cosmos DB, by container."""
        self._cosmos.log.clear()
        work()
        requests: dict[str, float] = {}
        units: dict[str, float] = {}
        for entry in self._cosmos.log:
            if entry.container and entry.operation in WORK:
                requests[entry.container] = requests.get(entry.container, 0.0) + 1
                units[entry.container] = units.get(entry.container, 0.0) + entry.charge
        return Cost(requests, units)

    def cpu(self, work: Callable[[], object]) -> float:
        """Microseconds of processor time, without the local server's share."""
        started, server = time.process_time(), self._transport.server_cpu
        work()
        return (time.process_time() - started - (self._transport.server_cpu - server)) * 1e6

    def bytes(self, container: str) -> int:
        """What all documents of a container come to as JSON, system properties included."""
        proxy = self.client.get_database_client(DATABASE).get_container_client(container)
        found = proxy.query_items("SELECT * FROM c", enable_cross_partition_query=True)
        return sum(len(orjson.dumps(document)) for document in found)
