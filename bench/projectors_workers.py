"""Two workers against one, each a process of its own, over HTTP, on four partitions.

    python -m bench.projectors_workers [--events 10000]

The server is a third process; on a machine with two cores it takes one of them, which bounds what a second worker can
add. The feed is throttled until the workers have shared the leases; rates are by wall clock from then until the log is
caught up.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter

from bench.projectors_log import DATABASE, Log
from devkit.cosmos import LocalCosmos, serve
from eventstore.containers import create_containers
from projectors.lag import lag_of
from projectors.stores import Stores

VIEW = "account-summary"
PARTITIONS = 4
WORKER = f"""
import signal, sys, threading
from eventstore.client import connect
from eventstore.settings import CosmosSettings
from projectors import Worker, WorkerSettings

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
client = connect(CosmosSettings(endpoint=sys.argv[1]))
Worker(client, "{DATABASE}", only=["{VIEW}"], settings=WorkerSettings(refresh=0.1, page=200)).run(stop)
"""


def rate(workers: int, events: int) -> float:
    """Events per second of so many workers."""
    with LocalCosmos(partitions=PARTITIONS) as cosmos, serve(cosmos) as server:
        client = cosmos.client(no_response_on_write=True)
        create_containers(client, DATABASE)
        log = Log(client.get_database_client(DATABASE).get_container_client("events"), 500)
        log.grow(events)
        stores = Stores.open(client, DATABASE)
        consumer = f"{VIEW}@1"
        stores.leases.establish(consumer, stores.feed.ranges(), stores.feed.rid())
        cosmos.faults.add(status=429, retry_after_ms=20, operation="changefeed")
        command = [sys.executable, "-c", WORKER, server.endpoint]
        processes = [subprocess.Popen(command) for _ in range(workers)]
        while _shares(stores, consumer) != [PARTITIONS // workers] * workers:
            time.sleep(0.05)
        cosmos.faults.clear()
        began = time.perf_counter()
        while lag_of(stores, [consumer])[0].transactions:
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        for process in processes:
            process.terminate()
            process.wait()
    return log.size / seconds


def _shares(stores: Stores, consumer: str) -> list[int]:
    """How many leases each owner has."""
    return sorted(Counter(lease.owner for lease in stores.leases.of(consumer) if lease.owner).values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    arguments = parser.parse_args()
    one, two = rate(1, arguments.events), rate(2, arguments.events)
    print("| workers | events/s |")
    print("|---:|---:|")
    print(f"| 1 | {one:,.0f} |")
    print(f"| 2 | {two:,.0f} ({two / one:.2f} x) |")


if __name__ == "__main__":
    main()
