"""Relay and hub are killed again and again under load: every event of the log arrives, in order of first arrival."""

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson
from azure.cosmos import CosmosClient

from localazure.cosmos import LocalCosmos, serve
from projectors.processor.worker import Worker
from projectors.relay import EventHubPublisher, EventHubsSettings, relay
from projectors.settings import WorkerSettings
from tests.projectors.relay.processes import HUB, start
from tests.projectors.relay.readers import receive_all

STREAMS = 8
SECONDS_OF_LOAD = 8.0


def free_port() -> int:
    """Below those that systems hand out by themselves, so that nobody takes it while the hub is dead."""
    for port in random.sample(range(20_000, 30_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("a hundred ports were taken")


@contextmanager
def kept_alive_between_kills(*arguments: str, seed: int) -> Iterator[list[int]]:
    """Runs a process; a thread kills it with SIGKILL every second or so and starts it again. Yields the kills."""
    chance = random.Random(seed)
    stop = threading.Event()
    kills: list[int] = []

    def reaper() -> None:
        process = start(*arguments)
        while not stop.wait(chance.uniform(1.0, 2.0)):
            kills.append(process.pid)
            process.kill()
            process.wait()
            process = start(*arguments)
        process.kill()
        process.wait()

    thread = threading.Thread(target=reaper)
    thread.start()
    try:
        yield kills
    finally:
        stop.set()
        thread.join()


def test_no_kill_of_relay_or_hub_loses_or_reorders_an_event(
    cosmos: LocalCosmos, client: CosmosClient, database: str, append: Callable[[str, int], None], tmp_path: Path
) -> None:
    port = free_port()
    connection_string = (
        f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
        "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
    )
    settings = EventHubsSettings(connection_string=connection_string, hub=HUB)
    version = 0
    with (
        serve(cosmos) as server,
        kept_alive_between_kills("hub", str(tmp_path), str(port), seed=1) as hub_kills,
        kept_alive_between_kills("relay", server.endpoint, connection_string, seed=2) as relay_kills,
    ):
        end = time.monotonic() + SECONDS_OF_LOAD
        while time.monotonic() < end:
            version += 1
            for stream in range(STREAMS):
                append(f"account-{stream}", version)
            time.sleep(0.02)
    assert len(hub_kills) >= 3
    assert len(relay_kills) >= 3

    hub = start("hub", str(tmp_path), str(port))
    try:
        publisher = EventHubPublisher(settings.producer(), source="urn:tidemark:tidemark")
        worker = Worker(client, database, [relay(publisher)], views=(), settings=WorkerSettings(lease=2))
        while not worker.run_until_idle(20).idle:
            pass
        time.sleep(2.5)  # a lease that a killed relay held counts as busy, and its range as idle, until it expires
        while not worker.run_until_idle(20).idle:
            pass
        publisher.close()
        arrived = [orjson.loads(m.body_as_str()) for m in receive_all(settings, STREAMS * version)]
    finally:
        hub.kill()
        hub.wait()
    for stream in range(STREAMS):
        sequence = [int(event["sequence"]) for event in arrived if event["subject"] == f"account-{stream}"]
        assert list(dict.fromkeys(sequence)) == list(range(1, version + 1))
    assert len({event["id"] for event in arrived}) == STREAMS * version
