"""Old generations are kept for a while, for an undo, and no longer."""

import threading
from datetime import UTC, datetime, timedelta

from azure.cosmos import CosmosClient

from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from replay.rebuild.progress import RebuildOptions
from replay.rebuild.rebuild import rebuild
from replay.retention import prune
from replay.verify import verify
from tests.replay.replaying import History

WEEK = timedelta(days=7)


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_a_generation_stays_for_its_time_and_then_goes(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    rebuild(client, database, VIEWS["statement"], settings=settings)
    assert prune(stores, "statement", keep=WEEK, now=later(6.9)) == []
    (removed,) = prune(stores, "statement", keep=WEEK, now=later(7.1))
    assert (removed.view, removed.generation, removed.documents > 0) == ("statement", 1, True)
    assert stores.views.query("SELECT * FROM c WHERE STARTSWITH(c.pk, 'statement@1:')") == []
    assert (stores.registry.of("statement").all, stores.leases.of("statement@1")) == ([2], [])
    assert verify(stores, VIEWS["statement"]).right


def test_a_rebuild_removes_what_is_old_enough_and_its_number_is_never_used_again(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    options = RebuildOptions(keep=timedelta())
    first = rebuild(client, database, VIEWS["statement"], options, settings=settings)
    assert [gone.generation for gone in first.removed] == [1]
    second = rebuild(client, database, VIEWS["statement"], options, settings=settings)
    assert ([gone.generation for gone in second.removed], second.generation) == ([2], 3)
    assert stores.registry.of("statement").all == [3]


def test_what_was_built_to_be_switched_to_and_what_an_undo_left_stay(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    rebuild(client, database, VIEWS["statement"], RebuildOptions(switch=False), settings=settings)
    assert prune(stores, "statement", keep=WEEK, now=later(100)) == []
    assert stores.registry.of("statement").all == [1, 2]


def test_an_interrupted_removal_is_completed(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings, stores: Database
) -> None:
    rebuild(client, database, VIEWS["statement"], settings=settings)
    stores.registry.drop("statement", 1)  # and then the power went
    assert [gone.generation for gone in prune(stores, "statement", keep=WEEK, now=later(0))] == [1]
    assert stores.views.query("SELECT * FROM c WHERE STARTSWITH(c.pk, 'statement@1:')") == []


def test_a_worker_at_work_lets_go_before_the_items_are_deleted(
    served: Worker, client: CosmosClient, database: str, settings: WorkerSettings, stores: Database, history: History
) -> None:
    rebuild(client, database, VIEWS["statement"], settings=settings)
    stop = threading.Event()
    live = threading.Thread(target=Worker(client, database, settings=settings, views=VIEWS.values()).run, args=(stop,))
    live.start()
    writing = threading.Thread(target=lambda: [history.write(1) for _ in range(60)])
    writing.start()
    try:
        prune(stores, "statement", keep=timedelta(), now=later(0))
    finally:
        writing.join()
        stop.set()
        live.join()
    assert stores.views.query("SELECT * FROM c WHERE STARTSWITH(c.pk, 'statement@1:')") == []
