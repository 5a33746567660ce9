"""How fast a view is rebuilt, against reading the same feed with the bare SDK.

    python -m bench.replay_rebuild [--events 200000] [--accounts 2000] [--views account-summary statement]

In process, one thread of work; rates are by wall clock, floors and rebuilds in the same run. The floor only decodes the
JSON of every page. Writes are documents written per item of the view. Memory is the peak of the whole process, log and
server included, and what it grew by during the rebuild.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from azure.cosmos import ContainerProxy

from bench.projectors_log import DATABASE, Log
from devkit.cosmos import LocalCosmos
from eventstore.containers import create_containers
from projectors.settings import WorkerSettings
from projectors.worker import Worker
from replay.rebuild import rebuild

PAGE = 1000
MIN_SHARE = 0.5
MAX_WRITES = 1.1


def drain(container: ContainerProxy) -> float:
    """Events per second of reading and decoding alone."""
    count, began = 0, time.perf_counter()
    for page in container.query_items_change_feed(start_time="Beginning", max_item_count=PAGE).by_page():
        count += len(list(page))
    return count / (time.perf_counter() - began)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--accounts", type=int, default=2_000)
    parser.add_argument("--views", nargs="+", default=["account-summary", "ledger-totals"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, LocalCosmos(Path(folder) / "cosmos.db") as cosmos:
        client = cosmos.client(no_response_on_write=True, consistency_level="Eventual")
        create_containers(client, DATABASE)
        container = client.get_database_client(DATABASE).get_container_client("events")
        log = Log(container, arguments.accounts)
        log.grow(arguments.events - arguments.accounts)
        print(f"{log.size:,} events on {arguments.accounts:,} accounts\n")
        print("| view | floor events/s | rebuild events/s | share | writes per item | RU per event | memory MB |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        for view in arguments.views:
            Worker(client, DATABASE, only=[view], settings=WorkerSettings(parallel=0)).run_until_idle(3600)
            floor = max(drain(container) for _ in range(3))
            before, batches = peak_mb(), cosmos.log.count("batch", container="views")
            built = rebuild(client, DATABASE, view, settings=WorkerSettings(parallel=0, page=PAGE))
            items = max(1, built.comparison.items)
            written = cosmos.log.count("batch", container="views") - batches
            progress = built.progress
            print(
                f"| {view} | {floor:,.0f} | {built.rate:,.0f} | {built.rate / floor:.2f} | "
                f"{written} batches for {items:,} | {progress.request_units / progress.events:.2f} | "
                f"{peak_mb():,.0f} (+{peak_mb() - before:,.0f}) |"
            )


if __name__ == "__main__":
    main()
