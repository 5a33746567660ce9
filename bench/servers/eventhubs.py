"""How fast the local Event Hubs server takes and gives events, and how much of that is the SDK's own work.

    python -m bench.servers.eventhubs [--batches 100] [--rounds 5]

Batches of 100 events of 1 KB, one synchronous client (prefetch 3000), one partition, the server in a process of its own
with its data on disk. Rates are medians over rounds; CPU is user and system time per event of either process.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from azure.eventhub import EventData, EventDataBatch, EventHubConsumerClient, EventHubProducerClient

BATCH = 100
SIZE = 1024
HUB = "bench"
SERVER = """
import sys
from pathlib import Path
from localazure.eventhubs import LocalEventHubs, run_server

with LocalEventHubs(Path(sys.argv[1]), hubs={"bench": 1}) as hubs:
    run_server(hubs, port=0, ready=lambda connection: print(connection, flush=True))
"""


@dataclass(frozen=True)
class Phase:
    """What one kind of work came to."""

    name: str
    rates: Sequence[float]
    """Events per second, one value per round."""
    client_us: float
    """CPU per event in the client's process, in microseconds."""
    server_us: float


def children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(name: str, data: str, events: int, work: Callable[[str], list[float]]) -> Phase:
    """Runs one kind of work against a server of its own; starting it costs CPU too and is taken off."""
    start_cpu = children_cpu()
    with_server(data, lambda _: [])
    idle_cpu = children_cpu() - start_cpu
    client = time.process_time()
    rates = with_server(data, work)
    client = time.process_time() - client
    server = children_cpu() - start_cpu - 2 * idle_cpu
    return Phase(name, rates, client / events * 1e6, server / events * 1e6)


def with_server(data: str, work: Callable[[str], list[float]]) -> list[float]:
    process = subprocess.Popen([sys.executable, "-c", SERVER, data], stdout=subprocess.PIPE, text=True)
    if process.stdout is None:
        raise RuntimeError("the server's output is not captured")
    try:
        return work(process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def full_batch(client: EventHubProducerClient) -> EventDataBatch:
    batch = client.create_batch(partition_id="0")
    for _ in range(BATCH):
        batch.add(EventData(b"x" * SIZE))
    return batch


def send(connection: str, batches: int, rounds: int) -> list[float]:
    """Events per second that leave in ready batches and are acknowledged."""
    rates = []
    with EventHubProducerClient.from_connection_string(connection, eventhub_name=HUB) as client:
        batch = full_batch(client)
        client.send_batch(batch)
        for _ in range(rounds):
            began = time.perf_counter()
            for _ in range(batches):
                client.send_batch(batch)
            rates.append(batches * BATCH / (time.perf_counter() - began))
    return rates


def read_through(connection: str, events: int) -> float:
    """Reads until `events` more have arrived after the first callback."""
    client = EventHubConsumerClient.from_connection_string(
        connection, "$Default", eventhub_name=HUB, load_balancing_interval=0.2
    )
    marks: list[float] = []
    count = 0
    done = threading.Event()

    def on_batch(_: Any, batch: list[EventData]) -> None:
        nonlocal count
        if not marks:
            marks.append(time.perf_counter())
            return
        count += len(batch)
        if count >= events and len(marks) == 1:
            marks.append(time.perf_counter())
            done.set()

    reading = threading.Thread(
        target=client.receive_batch,
        args=(on_batch,),
        kwargs={"partition_id": "0", "starting_position": "-1", "prefetch": 3000},
    )
    reading.start()
    done.wait()
    client.close()
    reading.join()
    return count / (marks[1] - marks[0])


def table(phases: Sequence[Phase]) -> str:
    lines = [f"{'':10}{'events/s':>10}{'client us':>12}{'server us':>12}{'client share':>15}"]
    for phase in phases:
        share = phase.client_us / (phase.client_us + phase.server_us)
        rate = statistics.median(phase.rates)
        lines.append(f"{phase.name:10}{rate:>10,.0f}{phase.client_us:>12.1f}{phase.server_us:>12.1f}{share:>15.0%}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Send and receive rates of the local Event Hubs server")
    parser.add_argument("--batches", type=int, default=100, help="batches per round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    batches, rounds = options.batches, options.rounds
    events = batches * rounds * BATCH
    with tempfile.TemporaryDirectory() as data:
        sent = measure("send", data, events, lambda connection: send(connection, batches, rounds))
        # A reader starts counting behind its first callback, so a little more is there than it waits for.
        wanted = batches * (rounds - 1) * BATCH
        got = measure("receive", data, wanted, lambda connection: [read_through(connection, wanted)])
    print(f"batches of {BATCH} x {SIZE} bytes, {events:,} events, CPU per event in microseconds")
    print(table([sent, got]))


if __name__ == "__main__":
    main()
