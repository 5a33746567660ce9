"""Two workers against one, each a process of its own, over HTTP, on four partitions.

    python -m bench.projectors.workers [--events 20000] [--rounds 3]

The server is a third process; on a machine with two cores it takes one of them, which bounds what a second worker can
add. The feed is throttled until the workers have shared the leases; from then until the log is caught up, rates are by
wall clock, best of the rounds in turns, and where the time goes is the processor time of the workers and of the server.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.projectors.log import DATABASE, Log
from eventstore.cosmos.containers import create_containers
from localazure.cosmos import LocalCosmos, serve
from projectors.database import Database
from projectors.lag import lag_of
from projectors.ledger import VIEWS

VIEW = "account-summary"
PARTITIONS = 4
WORKER = f"""
import signal, sys, threading
from eventstore.cosmos.client import connect
from eventstore.cosmos.settings import CosmosSettings
from projectors import Worker, WorkerSettings
from projectors.ledger import VIEWS

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
client = connect(CosmosSettings(endpoint=sys.argv[1]))
settings = WorkerSettings(refresh=0.1, page=200)
Worker(client, "{DATABASE}", views=[VIEWS["{VIEW}"]], settings=settings).run(stop)
"""


@dataclass(frozen=True, slots=True)
class Round:
    """Events per second by the clock; processor time per event in microseconds, of all workers and of the server."""

    rate: float
    workers: float
    server: float


def catch_up(workers: int, events: int) -> Round:
    """So many workers, each a process, from the beginning of a log to its end."""
    with LocalCosmos(partitions=PARTITIONS) as cosmos, serve(cosmos) as server:
        client = cosmos.client(no_response_on_write=True)
        create_containers(client, DATABASE, VIEWS.indexed)
        log = Log(client.get_database_client(DATABASE).get_container_client("events"), 500)
        log.grow(events)
        stores = Database.open(client, DATABASE)
        consumer = f"{VIEW}@1"
        stores.leases.establish(consumer, stores.feed.ranges(), stores.feed.rid())
        cosmos.faults.add(status=429, retry_after_ms=20, operation="changefeed")
        command = [sys.executable, "-c", WORKER, server.endpoint]
        processes = [subprocess.Popen(command) for _ in range(workers)]
        while _shares(stores, consumer) != [PARTITIONS // workers] * workers:
            time.sleep(0.05)
        cosmos.faults.clear()
        began, theirs, ours = time.perf_counter(), _processor(processes), time.process_time()
        while lag_of(stores, [consumer])[0].transactions:
            time.sleep(0.1)
        seconds = time.perf_counter() - began
        theirs, ours = _processor(processes) - theirs, time.process_time() - ours
        for process in processes:
            process.terminate()
            process.wait()
    return Round(log.size / seconds, 1e6 * theirs / log.size, 1e6 * ours / log.size)


def _processor(processes: Sequence[subprocess.Popen[bytes]]) -> float:
    """Seconds of processor time that the processes have taken."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _shares(stores: Database, consumer: str) -> list[int]:
    """How many leases each owner has."""
    return sorted(Counter(lease.owner for lease in stores.leases.of(consumer) if lease.owner).values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    found: dict[int, list[Round]] = {1: [], 2: []}
    for _ in range(arguments.rounds):
        for workers, rounds in found.items():
            rounds.append(catch_up(workers, arguments.events))
    alone = max(one.rate for one in found[1])
    print("| workers | events/s | | us of the workers per event | us of the server per event |")
    print("|---:|---:|---:|---:|---:|")
    for workers, rounds in found.items():
        rate = max(one.rate for one in rounds)
        theirs, ours = min(one.workers for one in rounds), min(one.server for one in rounds)
        print(f"| {workers} | {rate:,.0f} | {rate / alone:.2f} x | {theirs:.0f} | {ours:.0f} |")


if __name__ == "__main__":
    main()
