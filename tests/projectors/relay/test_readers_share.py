"""Two readers share a hub through Cosmos DB; one is killed, the other takes over, nothing is skipped."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localazure.cosmos import LocalCosmos, serve
from localazure.eventhubs import RunningServer
from projectors.relay import EventHubPublisher
from tests.projectors.relay.events import recorded
from tests.projectors.relay.processes import start

PATIENCE = 40.0


@contextmanager
def reader(endpoint: str, hub: RunningServer, notes: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = start("reader", endpoint, hub.connection_string(), str(notes))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def seen(*files: Path) -> set[str]:
    return {line for file in files if file.exists() for line in file.read_text().splitlines()}


def await_that(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "gave up waiting"
        time.sleep(0.1)


@pytest.mark.usefixtures("database")
def test_a_reader_takes_over_from_a_killed_one_and_skips_nothing(
    cosmos: LocalCosmos, publisher: EventHubPublisher, hub: RunningServer, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"

    def publish(version: int) -> None:
        publisher.publish([recorded(f"account-{stream}", version) for stream in range(40)])

    def stored() -> int:
        return sum(partition.tail.next_sequence for partition in hub.hubs.hub("ledger-events").partitions)

    with (
        serve(cosmos) as server,
        reader(server.endpoint, hub, first) as doomed,
        reader(server.endpoint, hub, second),
    ):
        publish(1)
        await_that(lambda: len(seen(first, second)) == stored())
        version = 1
        while not (seen(first) and seen(second)):  # until they have shared the partitions
            version += 1
            publish(version)
            time.sleep(0.3)
        doomed.kill()
        for _ in range(3):
            version += 1
            publish(version)
        await_that(lambda: len(seen(first, second)) == stored())
    assert stored() == 40 * version
