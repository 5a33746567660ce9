"""`tidemark work`, as a container runs it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure.cosmos import CosmosClient

from eventstore.errors import SettingsError
from functions.composition import build_consumers
from localazure.cosmos import LocalCosmos, RunningServer, serve
from service import SERVICE
from tests.functions.conftest import Ledger

TIDEMARK = str(Path(sys.executable).with_name("tidemark"))
PATIENCE = 60.0


@pytest.fixture
def server(cosmos: LocalCosmos) -> Iterator[RunningServer]:
    with serve(cosmos) as running:
        yield running


@contextmanager
def working(server: RunningServer, *options: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [TIDEMARK, "work", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"COSMOS_ENDPOINT": server.endpoint, "TIDEMARK_AUTH": "none", "WORKER_REFRESH": "0.2"},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def test_a_worker_runs_the_consumers_that_it_is_told_and_gives_their_leases_back_when_it_is_stopped(
    ledger: Ledger, server: RunningServer, client: CosmosClient, database: str
) -> None:
    ledger.open("alice", balance=500)
    container = client.get_database_client(database).get_container_client("leases")

    def leases() -> list[tuple[str, str | None, int | None]]:
        rows = container.query_items(
            "SELECT c.consumer, c.owner, c.lsn FROM c WHERE c.kind = 'lease'", enable_cross_partition_query=True
        )
        return sorted((row["consumer"], row["owner"], row["lsn"]) for row in rows)

    with working(server, "--consumers", "statement", "--consumers", "transfers") as process:
        # a claim, the opening, the deposit
        wait_until(lambda: len(leases()) == 2 and all(lsn == 3 for _, _, lsn in leases()))
        assert all(owner for _, owner, _ in leases())
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (0, "Working: statement, transfers.\n"), err
    assert leases() == [("statement@1", None, 3), ("transfers", None, 3)]


def test_a_consumer_that_there_is_not_is_refused_with_those_that_there_are(client: CosmosClient, database: str) -> None:
    with pytest.raises(SettingsError, match=r"no consumer statements: choose from account-summary, .*transfers, relay"):
        build_consumers(SERVICE, client, database, only=["statement", "statements"])


def test_the_relay_needs_a_hub(client: CosmosClient, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EVENTHUBS_CONNECTION_STRING", "EVENTHUBS_FULLY_QUALIFIED_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="EVENTHUBS_CONNECTION_STRING"):
        build_consumers(SERVICE, client, database, only=["relay"])
    assert not build_consumers(SERVICE, client, database, only=["statement"]).watchdog
    assert build_consumers(SERVICE, client, database).watchdog
