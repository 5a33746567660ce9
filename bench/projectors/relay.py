"""How fast the relay carries the log to the hub, what it sends, and how much later an event is on the hub.

    python -m bench.projectors.relay [--events 20000] [--rate 200] [--seconds 15]

Log and relay in this process (the SDK over the local Cosmos DB's in-process transport), the local Event Hubs server in
a process of its own with its data on disk. Latency is from just before the append to the reader's callback.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import orjson
from azure.cosmos import ContainerProxy, CosmosClient
from azure.eventhub import EventData, EventDataBatch, EventHubProducerClient, PartitionContext
from rich.console import Console
from rich.table import Table

from eventstore.cosmos.containers import EVENTS, create_containers
from eventstore.log.chain import genesis
from eventstore.log.documents import event_id, sealed
from localazure.cosmos import LocalCosmos
from projectors.processor.worker import Worker
from projectors.relay import EventHubPublisher, EventHubsSettings, relay

DATABASE = "tidemark"
HUB = "ledger-events"
STREAMS = 500
WARM_UP = 100
SERVER = """
import sys
from pathlib import Path
from localazure.eventhubs import LocalEventHubs, run_server

with LocalEventHubs(Path(sys.argv[1]), hubs={"ledger-events": 4}) as hubs:
    run_server(hubs, port=0, ready=lambda connection: print(connection, flush=True))
"""


class Sends:
    """Counts what a producer sends."""

    def __init__(self, producer: EventHubProducerClient) -> None:
        self.count = self.bytes = 0
        send = producer.send_batch

        def counted(batch: EventDataBatch, **kwargs: Any) -> None:
            self.count += 1
            self.bytes += batch.size_in_bytes
            send(batch, **kwargs)

        vars(producer)["send_batch"] = counted


@contextmanager
def hub() -> Iterator[EventHubsSettings]:
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([sys.executable, "-c", SERVER, folder], stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            connection = process.stdout.readline().strip()
            yield EventHubsSettings(connection_string=connection, hub=HUB)
        finally:
            process.terminate()
            process.wait()


def document(stream: str, version: int) -> dict[str, Any]:
    """An event of a deposit, about 700 bytes."""
    state = orjson.dumps({"amount": 500, "asset": "EUR/2", "reference": "x" * 40, "timestamp": "2026-01-01T00:00:00Z"})
    return sealed(
        event_id(version),
        stream=stream,
        version=version,
        type_name="account.funds-credited",
        schema=1,
        state=state,
        meta={"id": str(uuid4()), "recorded_at": "2026-01-01T00:00:00+00:00", "actor": "service:bench"},
        command_id=str(uuid4()),
        prev=genesis(stream),
    )


def fill(events: ContainerProxy, count: int) -> None:
    per_stream = count // STREAMS
    for number in range(STREAMS):
        stream = f"account-{number}"
        for first in range(1, per_stream + 1, 100):
            last = min(first + 99, per_stream)
            operations = [("create", (document(stream, version),)) for version in range(first, last + 1)]
            events.execute_item_batch(operations, stream)


def throughput(client: CosmosClient, settings: EventHubsSettings, count: int) -> dict[str, float]:
    producer = settings.producer()
    sends = Sends(producer)
    publisher = EventHubPublisher(producer, source="urn:tidemark:bench")
    publisher.publish([])
    begin, cpu = time.perf_counter(), time.process_time()
    visit = Worker(client, DATABASE, [relay(publisher)], views=()).run_until_idle(600)
    took, used = time.perf_counter() - begin, time.process_time() - cpu
    publisher.close()
    assert visit.events == count, visit
    return {
        "events per second": count / took,
        "CPU per event, us": used / count * 1e6,
        "sends per 1,000 events": sends.count / count * 1000,
        "KB on the wire per 1,000 events": sends.bytes / count,
    }


def latency(client: CosmosClient, settings: EventHubsSettings, rate: float, seconds: float) -> list[float]:
    """Milliseconds of each event from append to the reader of the hub."""
    events = client.get_database_client(DATABASE).get_container_client(EVENTS.name)
    appended: dict[str, float] = {}
    delays: list[float] = []

    def on_batch(_: PartitionContext, messages: Sequence[EventData]) -> None:
        now = time.perf_counter()
        delays.extend((now - appended[str(message.message_id)]) * 1000 for message in messages)

    consumer = settings.consumer()
    publisher = EventHubPublisher(settings.producer(), source="urn:tidemark:bench")
    worker = Worker(client, DATABASE, [relay(publisher)], views=())
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(stop,))]
    for partition in consumer.get_partition_ids():
        where = {"partition_id": partition, "starting_position": "@latest", "prefetch": 1}
        threads.append(threading.Thread(target=consumer.receive_batch, args=(on_batch,), kwargs=where))
    for thread in threads:
        thread.start()

    def append(number: int) -> None:
        event = document(f"account-{number % STREAMS}", 1_000_000 + number)
        appended[orjson.loads(event["meta"])["id"]] = time.perf_counter()
        events.create_item(event)
        worker.wake()

    time.sleep(5)  # until the reader's links stand
    for number in range(WARM_UP):  # until the producer's do
        append(number)
    await_that(lambda: len(delays) >= WARM_UP)
    delays.clear()
    begin = time.perf_counter()
    total = int(rate * seconds)
    for number in range(total):
        time.sleep(max(0.0, begin + number / rate - time.perf_counter()))
        append(WARM_UP + number)
    await_that(lambda: len(delays) >= total)
    stop.set()
    consumer.close()
    for thread in threads:
        thread.join()
    publisher.close()
    return delays


def await_that(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "gave up waiting for events on the hub"
        time.sleep(0.05)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=20_000)
    arguments.add_argument("--rate", type=float, default=200.0)
    arguments.add_argument("--seconds", type=float, default=15.0)
    options = arguments.parse_args()
    table = Table("figure", "value", title="Relay: log to hub")
    with LocalCosmos() as cosmos, hub() as settings:
        client = cosmos.client(no_response_on_write=True)
        create_containers(client, DATABASE)
        count = options.events // STREAMS * STREAMS
        fill(client.get_database_client(DATABASE).get_container_client(EVENTS.name), count)
        for name, value in throughput(client, settings, count).items():
            table.add_row(name, f"{value:,.1f}")
        delays = sorted(latency(client, settings, options.rate, options.seconds))
    table.add_row(f"added latency at {options.rate:g}/s, p50 ms", f"{statistics.median(delays):,.1f}")
    table.add_row(f"added latency at {options.rate:g}/s, p99 ms", f"{delays[int(len(delays) * 0.99)]:,.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
