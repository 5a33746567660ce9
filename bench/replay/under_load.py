"""Whether views over many streams are rebuilt and verified while commands go on, and how long that takes.

    python -m bench.replay.under_load [--ranges 64] [--rate 200] [--accounts 200] [--before 15]

Four processes, over HTTP: the local server with so many physical partitions, a worker on these views, a writer of so
many commands a second, and the rebuild.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import threading
import time
from multiprocessing.synchronize import Event

from azure.cosmos import CosmosClient

from bench.projectors.log import DATABASE, Log
from eventstore.cosmos.client import connect
from eventstore.cosmos.containers import EVENTS, create_containers
from eventstore.cosmos.settings import CosmosSettings
from localazure.cosmos import LocalCosmos, serve
from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from replay.rebuild.rebuild import rebuild
from replay.verify import verify

SUMS = ("ledger-totals", "owner-accounts")
PORT = 18_979
_LOOK = 5_000


def _server(ranges: int, is_ready: Event) -> None:
    cosmos = LocalCosmos(partitions=ranges)
    create_containers(cosmos.client(), DATABASE, VIEWS.indexed)
    with serve(cosmos, port=PORT):
        is_ready.set()
        threading.Event().wait()


def _worker() -> None:
    client = connect(CosmosSettings.load())
    Worker(client, DATABASE, only=SUMS, settings=WorkerSettings(), views=VIEWS.values()).run(threading.Event())


def _writer(accounts: int, rate: float, is_ready: Event) -> None:
    client = connect(CosmosSettings.load())
    log = Log(client.get_database_client(DATABASE).get_container_client(EVENTS.name), accounts)
    is_ready.set()
    began, written = time.monotonic(), 0
    while True:
        log.deposit()
        written += 1
        time.sleep(max(0.0, began + written / rate - time.monotonic()))
        if written % _LOOK == 0:
            print(f"  {written} commands, {written / (time.monotonic() - began):.0f} a second", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranges", type=int, default=64)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--before", type=float, default=15, help="seconds of commands before the first rebuild")
    arguments = parser.parse_args()
    os.environ |= {"COSMOS_ENDPOINT": f"http://127.0.0.1:{PORT}/", "COSMOS_DATABASE": DATABASE}
    context = multiprocessing.get_context("spawn")
    serves, writes = context.Event(), context.Event()
    server = context.Process(target=_server, args=(arguments.ranges, serves), daemon=True)
    worker = context.Process(target=_worker, daemon=True)
    writer = context.Process(target=_writer, args=(arguments.accounts, arguments.rate, writes), daemon=True)
    try:
        server.start()
        serves.wait()
        worker.start()
        writer.start()
        writes.wait()
        time.sleep(arguments.before)
        client = connect(CosmosSettings.load())
        for view in SUMS:
            _show(view, client)
    finally:
        for process in (writer, worker, server):
            if process.pid is not None:
                process.kill()


def _show(view: str, client: CosmosClient) -> None:
    began = time.monotonic()
    done = rebuild(client, DATABASE, VIEWS[view])
    took, began = time.monotonic() - began, time.monotonic()
    verified = verify(Database.open(client, DATABASE), VIEWS[view])
    print(
        f"{view}: rebuilt from {done.progress.events} events in {took:.1f} s, digests "
        f"{'agree' if done.comparison.agrees else 'DIFFER'}, lag {done.lag}; verified in "
        f"{time.monotonic() - began:.1f} s: {'right' if verified.right else 'WRONG'}",
        flush=True,
    )


if __name__ == "__main__":
    main()
