"""What a command costs on top of the SDK's own calls, and how many a second there are.

    python -m bench.eventstore [--rounds 30]

CPU is the calling thread's, without what the local server spends in the same thread. Each ratio is the median over
rounds that alternate between the two sides, so that a busy machine disturbs both alike. The bare calls use the same
client and the same documents. A command asks for less consistency per request than the client's default, which spares
the SDK its bookkeeping of session tokens; the second line compares with a bare call that does so too. Exits with 1 when
a limit is broken.

The library's recorder for PostgreSQL is measured too where its POSTGRES_DBNAME, POSTGRES_HOST … say where one is (with
psycopg installed); bench/emmett.mjs is the like for emmett.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure.core.pipeline.transport import HttpRequest, HttpResponse
from azure.cosmos import ContainerProxy, DatabaseProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from eventsourcing.application import Application

from domain.aggregate import Snapshot, fold
from domain.errors import DomainError
from domain.ledger.account import Account, account_stream
from eventstore.commands.store import Command, CommandStore
from eventstore.cosmos.client import connect
from eventstore.cosmos.containers import EVENTS, SNAPSHOTS, create_containers
from eventstore.cosmos.settings import CosmosSettings
from eventstore.log.documents import event_id
from eventstore.log.mapper import Mapper
from localazure.cosmos import LocalCosmos, serve
from localazure.cosmos.transport import InProcessTransport
from projectors.ledger import VIEWS

WARM_LIMIT = 1.3
COLD_LIMIT = 1.5
HISTORY = 50
CALLS = 40
DATABASE = "bench"
AT = datetime(2026, 3, 1, tzinfo=UTC)
WEAK = {"consistencyLevel": "Eventual"}

_keys = itertools.count()
_fold: Any = fold


class Metered(InProcessTransport):
    """Knows how much of the thread's CPU the server took."""

    server_cpu = 0.0

    def send(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Answer one request."""
        started = time.thread_time()
        try:
            return super().send(request, **kwargs)
        finally:
            self.server_cpu += time.thread_time() - started


@dataclass(frozen=True)
class Bench:
    """One client on a local server, and a command store on it."""

    transport: Metered
    tables: DatabaseProxy
    events: ContainerProxy
    snapshots: ContainerProxy

    @classmethod
    def on(cls, cosmos: LocalCosmos) -> Bench:
        transport = Metered(cosmos.exchange)
        settings = CosmosSettings(endpoint=cosmos.endpoint, key=cosmos.key, database=DATABASE)
        client = connect(settings, transport=transport)
        create_containers(client, DATABASE, VIEWS.indexed)
        tables = client.get_database_client(DATABASE)
        events, snapshots = (tables.get_container_client(spec.name) for spec in (EVENTS, SNAPSHOTS))
        list(events.query_items("SELECT * FROM c", partition_key="nothing"))
        return cls(transport, tables, events, snapshots)

    def store(self, **options: Any) -> CommandStore:
        store = CommandStore(self.tables, mapper=Mapper[str](), fold=fold, refusals=DomainError, **options)
        store.warm_up()
        return store

    def cpu(self, call: Callable[[], object], count: int = CALLS) -> float:
        """Microseconds of client CPU per call."""
        started, server = time.thread_time(), self.transport.server_cpu
        for _ in range(count):
            call()
        spent = time.thread_time() - started - (self.transport.server_cpu - server)
        return spent / count * 1e6


def opened(store: CommandStore, name: str, events: int = 1) -> str:
    """An account with a history."""
    stream = account_stream(name)
    store.execute(
        stream,
        Command(f"open-{name}", "f"),
        lambda _: Account.open(name, asset="EUR/2", owner="owner-1", at=AT),
    )
    for _ in range(events - 1):
        deposit(store, stream)
    return stream


def deposit(store: CommandStore, stream: str) -> None:
    """One command with one event."""

    def decide(account: Account | None) -> Account:
        if account is None:
            raise LookupError(stream)
        account.deposit(500, reference="invoice 4711", at=AT)
        return account

    store.execute(
        stream,
        Command(f"key-{next(_keys)}", "f" * 64, {"recorded_at": AT.isoformat(), "actor": "clerk"}),
        decide,
        answer=lambda account: {"balance": account.balance},
    )


def bare_creates(bench: Bench, stream: str, options: dict[str, str]) -> Callable[[], None]:
    """The SDK's call with the document of a command, each time under another id."""
    template = bench.events.read_item(event_id(2), stream)
    sample = {name: value for name, value in template.items() if not name.startswith("_")}
    numbers, name = itertools.count(1), f"bare-{next(_keys)}"

    def call() -> None:
        number = next(numbers)
        document = sample | {
            "streamId": name,
            "id": event_id(number),
            "version": number,
            "commandId": f"key-{number}",
        }
        bench.events.create_item(document, request_options=dict(options))

    return call


def bare_cold(bench: Bench, stream: str, create: Callable[[], None]) -> Callable[[], None]:
    """The SDK's calls of a cold command: snapshot, events, append."""

    def call() -> None:
        with contextlib.suppress(CosmosResourceNotFoundError):
            bench.snapshots.read_item("latest", stream, request_options=dict(WEAK))
        list(
            bench.events.query_items(
                "SELECT * FROM c WHERE c.id > @version OR c.commandId = @command",
                parameters=[{"name": "@version", "value": "."}, {"name": "@command", "value": "key"}],
                partition_key=stream,
                feed_options=dict(WEAK),
            )
        )
        create()

    return call


def ratios(bench: Bench, rounds: int) -> Iterator[tuple[str, float, float, float, float | None]]:
    """(name, bare us, command us, ratio, limit)."""
    warm, cold = bench.store(), bench.store(cache_size=0, snapshot_class=Snapshot, snapshot_every=1_000_000)
    stream = opened(warm, "warm", 2)
    create = bare_creates(bench, stream, {})
    lean = bare_creates(bench, stream, WEAK)
    yield ("warm command", *alternate(bench, create, lambda: deposit(warm, stream), rounds), WARM_LIMIT)
    yield ("  beside a call with its options", *alternate(bench, lean, lambda: deposit(warm, stream), rounds), None)

    streams = (opened(warm, f"cold-{number}", HISTORY) for number in itertools.count())
    samples = [cold_sample(bench, cold, next(streams), lean) for _ in range(rounds)]
    yield (f"cold command, {HISTORY} events", *summary(samples), COLD_LIMIT)


def alternate(
    bench: Bench, bare: Callable[[], None], command: Callable[[], None], rounds: int
) -> tuple[float, float, float]:
    for call in (bare, command):
        bench.cpu(call)
    return summary([(bench.cpu(bare), bench.cpu(command)) for _ in range(rounds)])


def cold_sample(bench: Bench, cold: CommandStore, stream: str, create: Callable[[], None]) -> tuple[float, float]:
    """A few calls of each side, so that the stream stays about as long as it says."""
    bare = bare_cold(bench, stream, create)
    return bench.cpu(bare, 4), bench.cpu(lambda: deposit(cold, stream), 4)


def summary(samples: list[tuple[float, float]]) -> tuple[float, float, float]:
    bare, command = (statistics.median(side) for side in zip(*samples, strict=True))
    return bare, command, statistics.median(command / bare for bare, command in samples)


class Accounts(Application[str]):
    """The library's way: get, decide, save."""

    def deposit(self, stream: str) -> None:
        account: Account = self.repository.get(stream, projector_func=_fold)
        account.deposit(500, reference="invoice 4711", at=AT)
        self.save(account)


def rates(cosmos: LocalCosmos, bench: Bench, seconds: float) -> Iterator[tuple[str, float]]:
    """(name, commands per second), the local server included."""
    store = bench.store()
    streams = [opened(store, f"rate-{number}", 2) for number in range(16)]
    yield "command store, in process, 1 thread", rate(lambda: deposit(store, streams[0]), seconds)
    with serve(cosmos) as server:
        client = connect(CosmosSettings(endpoint=server.endpoint, database=DATABASE))
        remote = CommandStore(
            client.get_database_client(DATABASE),
            mapper=Mapper[str](),
            fold=fold,
            refusals=DomainError,
            snapshot_class=Snapshot,
        )
        remote.warm_up()
        yield "command store, HTTP, 1 thread", rate(lambda: deposit(remote, streams[1]), seconds)
        with ThreadPoolExecutor(8) as pool:
            counts = pool.map(lambda stream: rate(lambda: deposit(remote, stream), seconds), streams[2:10])
            yield "command store, HTTP, 8 threads", sum(counts)
        settings = {"PERSISTENCE_MODULE": "eventstore", "COSMOS_ENDPOINT": server.endpoint, "COSMOS_DATABASE": DATABASE}
        yield "library's save, this store, HTTP, cached", library_rate(settings, seconds)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(Path(folder) / "events.db")}
        yield "library's save, its SQLite recorder (file), cached", library_rate(settings, seconds)
    if "POSTGRES_DBNAME" in os.environ:
        settings = {"PERSISTENCE_MODULE": "eventsourcing.postgres", "ORIGINATOR_ID_TYPE": "text"}
        yield "library's save, its PostgreSQL recorder, cached", library_rate(os.environ | settings, seconds)
    yield "library's save, its in-memory recorder, cached", library_rate({}, seconds)


def library_rate(settings: dict[str, str], seconds: float) -> float:
    cached = {
        "AGGREGATE_CACHE_MAXSIZE": "100",
        "AGGREGATE_CACHE_FASTFORWARD": "n",
        "MAPPER_TOPIC": "eventstore:Mapper",
    }
    transcoder = {"TRANSCODER_TOPIC": "eventstore:PlainTranscoder"}
    with Accounts(settings | cached | transcoder) as accounts:
        account = Account.open(f"library-{next(_keys)}", asset="EUR/2", owner="owner-1", at=AT)
        accounts.save(account)
        return rate(lambda: accounts.deposit(account.id), seconds)


def rate(call: Callable[[], None], seconds: float) -> float:
    started, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - started) < seconds:
        call()
        count += 1
    return count / passed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=30, help="pairs of measurements per ratio (30)")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each rate is measured (2)")
    options = parser.parse_args()
    broken = 0
    with LocalCosmos() as cosmos:
        bench = Bench.on(cosmos)
        gc.freeze()
        print(f"{'CPU per call, client only':<34}{'bare us':>9}{'here us':>9}{'ratio':>7}{'limit':>7}")
        for name, bare, command, ratio, limit in ratios(bench, options.rounds):
            broken += limit is not None and ratio > limit
            print(f"{name:<34}{bare:>9.0f}{command:>9.0f}{ratio:>7.2f}{limit or '':>7}")
        print(f"\n{'one event per command':<52}{'commands/s':>11}")
        for name, per_second in rates(cosmos, bench, options.seconds):
            print(f"{name:<52}{per_second:>11.0f}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
