"""What views add to a command: latency from append to visible, and what a live consumer costs.

    python -m bench.projectors.live [--seconds 5]

One process with the server in it, one writer at a fixed rate, a worker on all views, a reader that looks every
millisecond for every twentieth command. The worker is woken by the writer, as `tidemark up` does.
"""

from __future__ import annotations

import argparse
import queue
import statistics
import threading
import time

from bench.projectors.log import DATABASE, Log
from eventstore.cosmos.containers import create_containers
from localazure.cosmos import LocalCosmos
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.throughput.meter import Meter
from projectors.views.reader import ViewReader

RATES = (50, 200, 500)
SAMPLE = 20
LOOK = 0.001


def latencies(rate: int, seconds: float) -> tuple[float, list[float]]:
    """Commands per second that were reached, and milliseconds from append to visible."""
    with LocalCosmos() as cosmos:
        client = cosmos.client(no_response_on_write=True)
        create_containers(client, DATABASE, VIEWS.indexed)
        log = Log(client.get_database_client(DATABASE).get_container_client("events"), 100)
        worker, stop = Worker(client, DATABASE, only=["account-summary"], views=VIEWS.values()), threading.Event()
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        appended: queue.SimpleQueue[tuple[str, int, float] | None] = queue.SimpleQueue()
        found: list[float] = []

        def watch() -> None:
            reader = ViewReader(client, DATABASE, VIEWS)
            while (sample := appended.get()) is not None:
                stream, version, at = sample
                while reader.get("account-summary", stream).freshness.version < version:
                    time.sleep(LOOK)
                found.append(1000 * (time.perf_counter() - at))

        watcher = threading.Thread(target=watch)
        watcher.start()
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            stream, version = log.deposit()
            worker.wake()
            count += 1
            if count % SAMPLE == 0:
                appended.put((stream, version, time.perf_counter()))
            time.sleep(max(0.0, began + count / rate - time.perf_counter()))
        reached = count / (time.perf_counter() - began)
        appended.put(None)
        watcher.join()
        stop.set()
        thread.join()
    return reached, found


def costs(view: str, events: int) -> tuple[float, float, float, float]:
    """Events per second, requests and batches per 1,000 events, request units per event, of catching up in pages."""
    with LocalCosmos() as cosmos:
        client = cosmos.client(no_response_on_write=True)
        create_containers(client, DATABASE, VIEWS.indexed)
        log = Log(client.get_database_client(DATABASE).get_container_client("events"), 500)
        log.grow(events)
        cosmos.log.clear()
        meter = Meter()
        worker = Worker(client, DATABASE, only=[view], meter=meter, views=VIEWS.values())
        began = time.perf_counter()
        worker.run_until_idle(600)
        seconds, spent = time.perf_counter() - began, meter.spent()
        batches = cosmos.log.count("batch", container="views")
        per = 1000 / log.size
        return log.size / seconds, spent.requests * per, batches * per, spent.request_units / log.size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--events", type=int, default=10_000)
    arguments = parser.parse_args()
    print("| commands/s asked | reached | p50 ms | p99 ms |")
    print("|---:|---:|---:|---:|")
    for rate in RATES:
        reached, found = latencies(rate, arguments.seconds)
        cuts = statistics.quantiles(found, n=100)
        print(f"| {rate} | {reached:.0f} | {cuts[49]:.1f} | {cuts[98]:.1f} |")
    print("\n| view | events/s | requests per 1,000 events | batches per 1,000 events | RU per event |")
    print("|---|---:|---:|---:|---:|")
    for view in sorted(VIEWS):
        rate_reached, requests, batches, units = costs(view, arguments.events)
        print(f"| {view} | {rate_reached:,.0f} | {requests:.0f} | {batches:.1f} | {units:.2f} |")


if __name__ == "__main__":
    main()
