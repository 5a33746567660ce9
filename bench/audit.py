"""What an audit costs: verifying, digests of many streams, and pages of a long stream.

    python -m bench.audit [--streams 100000] [--events 10000] [--pages 20]

Everything runs in one process: local server, SDK and audit share the time, and the shares say who took how much. The
log is written already sealed, through the SDK, for that is not what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import resource
import statistics
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import httpx
from azure.cosmos import ContainerProxy, CosmosClient
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.digests.archive import Archive, KeptDigest
from audit.digests.heads import Head
from audit.digests.merkle import Root, Tree
from audit.log import Log
from audit.sealing import seal
from audit.verification.verify import verify_log, verify_pages
from domain.ledger.account import Account
from eventstore.cosmos.containers import create_containers
from eventstore.cosmos.queries import consistency
from eventstore.environment import load
from eventstore.log import chain
from eventstore.log.documents import Document, event_id, sealed
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from functions.composition import build_audit, build_services
from functions.queries.app import create_queries
from functions.settings import Settings
from localazure.cosmos import LocalCosmos
from projectors.ledger import VIEWS
from service import SERVICE

DATABASE = "bench"
AT = datetime(2026, 3, 1, tzinfo=UTC)
BATCH = 100
_ROUNDS = 5


def documents(name: str, count: int) -> Iterator[Document]:
    """An account with `count` events, as the store seals them."""
    account = Account.open(name, asset="EUR/2", owner="owner-1", at=AT)
    for number in range(count - 1):
        account.deposit(500 + number % 97, reference="invoice 4711", at=AT + timedelta(minutes=number))
    mapper, prev = Mapper[str](), chain.genesis(account.id)
    for version, event in enumerate(account.collect_events(), 1):
        stored = mapper.to_stored_event(event)
        meta = {
            "id": f"{version:032x}",
            "recorded_at": event.timestamp.isoformat(),
            "actor": "user:3f0c77de-1a56-4a52-9a3c-0a6a3f7f0b9c",
            "correlation": f"{version:032x}",
            "fingerprint": "f" * 64,
            "count": 1,
            "answer": {"balance": version * 500},
        }
        document = sealed(
            event_id(version),
            stream=account.id,
            version=version,
            type_name=stored.topic,
            schema=1,
            state=stored.state,
            meta=meta,
            command_id=f"key-{version}",
            prev=prev,
        )
        prev = document["hash"]
        yield document


def write(events: ContainerProxy, name: str, count: int) -> None:
    """One account, a hundred events per transaction."""
    rest = documents(name, count)
    if count == 1:
        events.create_item(next(rest), request_options=consistency(None))
        return
    while some := list(itertools.islice(rest, BATCH)):
        events.execute_item_batch([("create", (document,)) for document in some], f"account-{name}")


class Hashing:
    """CPU seconds spent in SHA-256 and in laying out what it hashes, of all threads; a context manager."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> Hashing:
        self._digest = chain._digest

        def timed(kind: bytes, *fields: str) -> str:
            started = time.thread_time()
            found = self._digest(kind, *fields)
            with self._lock:
                self.seconds += time.thread_time() - started
            return found

        chain._digest = timed
        return self

    def __exit__(self, *_: object) -> None:
        chain._digest = self._digest


def measured(call: Callable[[], object]) -> tuple[float, float]:
    """(wall seconds, CPU seconds of the process)."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def verifying(log: Log, what: str, events: int) -> None:
    """The best of a few rounds, beside draining the feed and doing nothing with it: the machine has other work too."""
    rounds = [measured(lambda: verify_log(log)) for _ in range(_ROUNDS)]
    wall, cpu = (min(each) for each in zip(*rounds, strict=True))
    drained = min(measured(lambda: sum(len(page) for place in log.feed() for page in place))[1] for _ in range(_ROUNDS))
    with Hashing() as hashing:
        _, all_cpu = measured(lambda: verify_log(log))
    share = hashing.seconds / all_cpu
    print(
        f"{what:<44}{events / wall:>10,.0f} events/s; for each second of CPU {events / cpu:,.0f}, "
        f"hashing {share:.0%} of it; the feed alone {events / drained:,.0f}"
    )


def hashing_alone(count: int) -> None:
    some = list(documents("alone", count))
    started = time.thread_time()
    for document in some:
        chain.link(
            document["prev"],
            stream=document["streamId"],
            version=document["version"],
            type_name=document["type"],
            schema=document["schema"],
            enc=document["enc"],
            state=document["state"],
            meta=document["meta"],
            command_id=document["commandId"],
        )
    rate = count / (time.thread_time() - started)
    print(f"{'hash chain alone, one core':<44}{rate:>10,.0f} events/s")


def collect() -> None:
    gc.collect()


def memory_alone(history: History, streams: int) -> None:
    """As `memory`, of the verifier without server and SDK, on documents that are made as it asks for them."""
    names = (f"{number:06d}" for number in range(streams))
    made = (next(documents(name, 1)) for name in names)
    tracemalloc.start()
    try:
        verify_pages(history, iter(lambda: list(itertools.islice(made, 1_000)), []))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    print(f"{f'memory of the verifier alone, {streams:,} streams':<44}{peak / 2**20:>10.1f} MB")


def memory(log: Log, kept: KeptDigest) -> int:
    """Bytes of Python's memory that a verification held at most; SQLite has its cache of 16 MB beside it.

    The SDK's answers end in circles that wait for the garbage collector, a few pages more or less: it comes at each.
    """
    tracemalloc.start()
    try:
        verify_log(log, against=kept, progress=lambda _: collect())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def digests(client: CosmosClient, streams: int, folder: Path) -> None:
    events = client.get_database_client(DATABASE).get_container_client("events")
    log, key, archive = Log(events), Ed25519PrivateKey.generate(), Archive(folder)
    tenth = streams // 10
    for number in range(tenth):
        write(events, f"{number:06d}", 1)
    peak = memory(log, seal(log, Archive(folder / "tenth"), key, database=DATABASE, made_at="now"))
    print(f"{f'memory to verify {tenth:,} streams':<44}{peak / 2**20:>10.1f} MB")
    for number in range(tenth, streams):
        write(events, f"{number:06d}", 1)
    wall, cpu = measured(lambda: sum(1 for _ in log.names()))
    print(f"{f'names of {streams:,} streams':<44}{wall:>10.1f} s   CPU {cpu:.1f} s")
    for what in ("first digest", "next digest, against the one before"):
        made_at = datetime.now(UTC).isoformat()
        wall, cpu = measured(lambda at=made_at: seal(log, archive, key, database=DATABASE, made_at=at))  # type: ignore[misc]
        print(f"{f'{what}, {streams:,} streams':<44}{wall:>10.1f} s   CPU {cpu:.1f} s")
    kept = archive.latest()
    if kept is None:
        raise RuntimeError("no digest was kept")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = measured(lambda: verify_log(log, against=kept))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"{f'verify against it, {streams:,} streams':<44}{wall:>10.1f} s   CPU {cpu:.1f} s, process grown by {grown} KB"
    )
    print(f"{f'memory to verify {streams:,} streams':<44}{memory(log, kept) / 2**20:>10.1f} MB")
    for count in (tenth, streams):
        memory_alone(log.history, count)
    print(f"{'digest':<44}{kept.path.stat().st_size:>10,} bytes")
    print(f"{'heads beside it':<44}{kept.heads_path.stat().st_size:>10,} bytes")


def trees(leaves: int) -> None:
    heads = [Head(f"account-{number:06d}", 7, sha256(str(number).encode()).hexdigest()) for number in range(leaves)]
    root = Root()

    def build() -> None:
        for head in heads:
            root.add(head.leaf)

    wall, _ = measured(build)
    print(f"{f'root over {leaves:,} heads':<44}{wall:>10.2f} s")
    proof = Tree([head.leaf for head in heads]).proof(leaves // 2)
    print(f"{'proof of one stream':<44}{len(proof):>10} hashes")


def pages(client: CosmosClient, events: int, rounds: int) -> None:
    write(client.get_database_client(DATABASE).get_container_client("events"), "long", events)
    services = build_services(SERVICE, load(Settings, auth="none"), client, DATABASE)
    settings = services.settings
    app = create_queries(SERVICE, services, build_audit(SERVICE, settings, client, DATABASE, services.personal))
    with asyncio.Runner() as runner:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        http = httpx.AsyncClient(transport=transport, base_url="http://localhost")

        def get(path: str) -> float:
            started = time.perf_counter()
            runner.run(http.get(path)).raise_for_status()
            return (time.perf_counter() - started) * 1000

        stream = "/audit/streams/account-long"
        print(f"{f'page of 100, {events:,} events, first look':<44}{get(stream):>10.0f} ms")
        for what, path in (
            ("newest page of 100", stream),
            ("page of 100 in the middle", f"{stream}?upto={events // 2}"),
            ("page of 500", f"{stream}?limit=500"),
            ("state at the newest version", f"{stream}/state"),
            ("JSON twin, page of 100", "/audit/data/streams/account-long"),
        ):
            print(f"{what:<44}{statistics.median(get(path) for _ in range(rounds)):>10.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--streams", type=int, default=100_000, help="streams under a digest (100000)")
    parser.add_argument("--events", type=int, default=10_000, help="events of the long stream (10000)")
    parser.add_argument("--pages", type=int, default=20, help="times each page is asked for (20)")
    options = parser.parse_args()
    hashing_alone(options.events)
    trees(options.streams)
    for shape, streams, each in (
        ("long streams", 10, options.events // 10),
        ("short streams", options.events // 10, 10),
    ):
        with LocalCosmos() as cosmos:
            client = cosmos.client()
            create_containers(client, DATABASE, VIEWS.indexed)
            events = client.get_database_client(DATABASE).get_container_client("events")
            for number in range(streams):
                write(events, f"{number:06d}", each)
            verifying(Log(events), f"verify, {shape} of {each:,}", streams * each)
    with LocalCosmos() as cosmos:
        client = cosmos.client()
        create_containers(client, DATABASE, VIEWS.indexed)
        pages(client, options.events, options.pages)
    with LocalCosmos() as cosmos, tempfile.TemporaryDirectory() as folder:
        client = cosmos.client()
        create_containers(client, DATABASE, VIEWS.indexed)
        digests(client, options.streams, Path(folder))


if __name__ == "__main__":
    main()
