"""One rebuild of a view at a time: the lock, its heartbeat, and what happens to it when its process is gone."""

import socket
import subprocess
import time

import pytest
from azure.cosmos import CosmosClient

from cli.replay.rebuild import abandon_rebuild
from projectors.database import Database
from projectors.errors import LeaseLost, RebuildRunning
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from replay.lock import RebuildLock, builder_partition, this_process
from replay.rebuild.progress import Phase, Progress
from replay.rebuild.rebuild import rebuild

AT = "2026-11-23T12:00:00+00:00"


def lock(client: CosmosClient, database: str, **options: float) -> RebuildLock:
    return RebuildLock(client, database, "statement", at=AT, **options)  # type: ignore[arg-type]


def held_by(client: CosmosClient, database: str, by: str) -> None:
    """As a process that is gone leaves it."""
    leases = client.get_database_client(database).get_container_client("leases")
    leases.create_item(
        {
            "id": "builder",
            "consumer": builder_partition("statement"),
            "by": by,
            "since": AT,
            "token": "other",
            "expires": time.time() + 30,
        }
    )


def test_a_second_builder_is_refused_with_who_where_and_since_when(client: CosmosClient, database: str) -> None:
    refused = pytest.raises(RebuildRunning, match=f"statement is being rebuilt by {this_process()} since {AT[:19]}")
    with lock(client, database), refused:
        lock(client, database).__enter__()
    with lock(client, database) as again:
        again.check()


def test_the_heartbeat_holds_the_lock_beyond_its_time(client: CosmosClient, database: str) -> None:
    with lock(client, database, duration=0.2) as held:
        leases = client.get_database_client(database).get_container_client("leases")
        first = leases.read_item("builder", builder_partition("statement"))["expires"]
        end = time.monotonic() + 10
        while leases.read_item("builder", builder_partition("statement"))["expires"] < first + 0.2:
            assert time.monotonic() < end
            time.sleep(0.02)
        held.check()
        with pytest.raises(RebuildRunning):
            lock(client, database).__enter__()


def test_the_lock_of_a_process_that_is_gone_is_taken_at_once_on_its_machine_and_waited_for_elsewhere(
    client: CosmosClient, database: str, stores: Database
) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    held_by(client, database, f"{socket.gethostname()}:{gone.pid}")
    with lock(client, database):
        pass
    held_by(client, database, "elsewhere:1")
    with pytest.raises(RebuildRunning, match="by elsewhere:1"):
        lock(client, database).__enter__()
    with lock(client, database, clock=lambda: time.time() + 31):  # type: ignore[arg-type]
        pass


def test_a_builder_whose_lock_was_taken_notices(client: CosmosClient, database: str, stores: Database) -> None:
    with lock(client, database, duration=0.06) as held:
        stores.leases.forget(builder_partition("statement"))
        held._heartbeat.join(10)
        with pytest.raises(LeaseLost, match="statement was abandoned"):
            held.check()


def test_a_second_rebuild_is_refused_during_the_comparison_too(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings
) -> None:
    refused: list[RebuildRunning] = []

    def start_another(progress: Progress) -> None:
        if progress.phase is Phase.COMPARING:
            with pytest.raises(RebuildRunning) as error:
                rebuild(client, database, VIEWS["statement"], settings=settings)
            refused.append(error.value)

    assert rebuild(client, database, VIEWS["statement"], settings=settings, progress=start_another).switched
    assert [error.by for error in refused] == [this_process()]


def test_a_rebuild_under_way_is_not_abandoned_by_others(
    served: Worker, client: CosmosClient, database: str, stores: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.replay.rebuild.connect", lambda: (client, database))
    stores.registry.build("statement", by="olga", at=AT)
    with lock(client, database), pytest.raises(RebuildRunning):
        abandon_rebuild("statement")
    assert stores.registry.of("statement").building is not None
    assert abandon_rebuild("statement") == "statement v2 is gone: 0 documents"


def test_a_rebuild_that_was_just_killed_here_is_abandoned_without_waiting_for_its_leases(
    served: Worker, client: CosmosClient, database: str, stores: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.replay.rebuild.connect", lambda: (client, database))
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    stores.registry.build("statement", by=f"{socket.gethostname()}:{gone.pid}", at=AT)
    stores.leases.establish("statement@2", stores.feed.ranges(), stores.feed.rid())
    (lease,) = stores.leases.of("statement@2")
    stores.leases.take(lease, "the dead one")
    assert abandon_rebuild("statement") == "statement v2 is gone: 0 documents"
    assert stores.leases.of("statement@2") == []
