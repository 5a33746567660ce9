"""Workers: sharing, replacing, waiting, stopping."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import orjson
import pytest
from azure.cosmos import CosmosClient

from eventstore.cosmos.containers import create_containers
from eventstore.log.documents import RecordedEvent
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.consumer import PageConsumer
from projectors.database import Database
from projectors.lag import lag_of
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.throughput.meter import Meter
from tests.projectors.feeding import Ledger, shown_by_the_views, told_by_the_log

ACCOUNT_VIEWS = [VIEWS[name] for name in ("account-summary", "statement", "active-holds", "ledger-totals")]
QUICK = WorkerSettings(refresh=0.05, idle_min=0.005, idle_max=0.05, retry_min=0.005, lease=1.0, parallel=2)


@contextmanager
def running(*workers: Worker) -> Iterator[threading.Event]:
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(stop,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def shows_the_log(client: CosmosClient, database: str, ledger: Ledger) -> Callable[[], bool]:
    return lambda: shown_by_the_views(client, database) == told_by_the_log(ledger)


def test_a_running_worker_follows_the_log_until_it_is_stopped_and_gives_its_leases_back(
    client: CosmosClient, database: str, ledger: Ledger
) -> None:
    with running(Worker(client, database, settings=QUICK, views=VIEWS.values())):
        for name in ("alice", "bob"):
            ledger.open(name)
            ledger.deposit(name, 10)
        until(shows_the_log(client, database, ledger))
        ledger.withdraw("bob", 3)
        until(shows_the_log(client, database, ledger))
    leases = Database.open(client, database).leases.of("statement@1")
    assert [(lease.owner, lease.lsn) for lease in leases] == [(None, 5)]


def test_a_worker_that_is_woken_does_not_wait_for_its_next_poll(
    client: CosmosClient, database: str, ledger: Ledger
) -> None:
    ledger.open("alice")
    worker = Worker(
        client,
        database,
        settings=QUICK.model_copy(update={"idle_min": 60, "idle_max": 60, "lease": 90}),
        views=VIEWS.values(),
    )
    with running(worker):
        until(shows_the_log(client, database, ledger))
        ledger.deposit("alice", 5)
        worker.wake()
        until(shows_the_log(client, database, ledger), seconds=10)


def test_events_that_trickle_in_are_read_together_and_the_first_after_a_silence_at_once(
    client: CosmosClient, database: str, ledger: Ledger
) -> None:
    pages: list[int] = []
    consumer = PageConsumer("counting", lambda events: pages.append(len(events)))
    lingering = QUICK.model_copy(update={"linger": 0.4, "idle_min": 0.005, "idle_max": 0.01})
    with running(Worker(client, database, [consumer], views=(), settings=lingering)):
        ledger.open("alice")
        until(lambda: sum(pages) == 1, seconds=5)
        for _ in range(100):
            ledger.deposit("alice", 1)
            time.sleep(0.01)
        until(lambda: sum(pages) == 101)
    assert len(pages) <= 20


def test_workers_share_the_ranges_and_one_that_leaves_is_replaced() -> None:
    with LocalCosmos(partitions=4) as account:
        shared = account.client(no_response_on_write=True)
        create_containers(shared, "tidemark", VIEWS.indexed)
        ledger = Ledger(shared.get_database_client("tidemark").get_container_client("events"))
        for number in range(8):
            ledger.open(f"a{number}")
        leases = Database.open(shared, "tidemark").leases
        with running(Worker(shared, "tidemark", views=ACCOUNT_VIEWS, settings=QUICK)):
            with running(Worker(shared, "tidemark", views=ACCOUNT_VIEWS, settings=QUICK)):

                def owners() -> list[int]:
                    names = [f"{view.name}@1" for view in ACCOUNT_VIEWS]
                    held = [lease.owner for found in leases.of_all(names).values() for lease in found if lease.owner]
                    return sorted(held.count(owner) for owner in set(held))

                until(lambda: owners() == [8, 8])
                ledger.deposit("a1", 5)
            ledger.deposit("a2", 5)
            until(shows_the_log(shared, "tidemark", ledger))


def test_a_consumer_that_fails_is_retried_from_its_position_and_holds_up_no_other(
    client: CosmosClient, database: str, ledger: Ledger, settings: WorkerSettings
) -> None:
    seen: list[tuple[str, int]] = []
    failing = True

    def work(events: Sequence[RecordedEvent]) -> None:
        seen.extend((event.stream, event.version) for event in events)
        if failing:
            raise ConnectionError("the hub is away")

    ledger.open("alice")
    worker = Worker(client, database, [PageConsumer("relay", work)], views=ACCOUNT_VIEWS, settings=settings)
    visit = worker.run_until_idle(0.2)
    assert not visit.idle
    assert visit.failures == {"relay 00-FF": "the hub is away"}
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)
    assert Database.open(client, database).leases.of("relay")[0].lsn is None
    failing = False
    assert worker.run_until_idle(20).idle
    assert set(seen) == {("account-alice", 1)}
    assert Database.open(client, database).leases.of("relay")[0].lsn == 1


def test_the_position_is_written_after_the_work_and_the_lease_renewed_before_it(
    client: CosmosClient, database: str, ledger: Ledger, cosmos: LocalCosmos, settings: WorkerSettings
) -> None:
    """A position before the work would lose it in a crash; work without a renewal may be that of a long-dead page.

    The position of a page goes with the next page's renewal, the last one with the lease as it is given back.
    """
    order: list[tuple[str, int | None]] = []
    consumer = PageConsumer("relay", lambda events: order.append(("work", events[-1].lsn)))

    def note(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.operation == "changefeed":
            order.append(("read", None))
        if phase == "before" and info.operation == "replace":
            order.append(("lease", orjson.loads(info.body)["lsn"]))

    ledger.open("alice")
    ledger.deposit("alice", 5)
    cosmos.faults.on_request(note)
    pages = settings.model_copy(update={"page": 1})
    Worker(client, database, [consumer], views=(), settings=pages).run_until_idle(20)
    first, second = [("read", None), ("lease", None), ("work", 1)], [("read", None), ("lease", 1), ("work", 2)]
    assert order[:7] == [("lease", None), *first, *second]
    assert order[-1] == ("lease", 2)
    assert [lsn for what, lsn in order[7:] if what == "lease"] == [2]


def test_a_position_does_not_wait_for_the_next_page_when_there_is_none(
    client: CosmosClient, database: str, ledger: Ledger
) -> None:
    ledger.open("alice")
    stores = Database.open(client, database)
    with running(Worker(client, database, views=ACCOUNT_VIEWS, settings=QUICK)):
        until(lambda: [(lease.lsn, lease.owner is None) for lease in stores.leases.of("statement@1")] == [(1, False)])


def test_throttling_is_waited_out_as_long_as_the_store_asks(
    client: CosmosClient, database: str, ledger: Ledger, cosmos: LocalCosmos, settings: WorkerSettings
) -> None:
    for name in ("alice", "bob"):
        ledger.open(name)
        ledger.deposit(name, 10)
    meter = Meter()
    cosmos.faults.add(status=429, retry_after_ms=30, probability=0.4, seed=3, container="views")
    cosmos.faults.add(status=429, retry_after_ms=30, probability=0.4, seed=4, container="leases")
    assert Worker(client, database, settings=settings, meter=meter, views=VIEWS.values()).run_until_idle(60).idle
    cosmos.faults.clear()
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)


def test_a_throttled_worker_stops_when_it_is_told_to(
    client: CosmosClient, database: str, ledger: Ledger, cosmos: LocalCosmos
) -> None:
    ledger.open("alice")
    fault = cosmos.faults.add(status=429, retry_after_ms=20, container="views", operation="batch")
    with running(Worker(client, database, settings=QUICK, views=VIEWS.values())):
        until(lambda: fault.fired > 0)
    cosmos.faults.clear()
    assert (
        Worker(client, database, settings=QUICK, clock=lambda: time.time() + 10, views=VIEWS.values())
        .run_until_idle(20)
        .idle
    )
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)


def test_lag_counts_transactions_and_the_age_of_the_oldest_event_that_waits(
    client: CosmosClient, database: str, ledger: Ledger, worker: Worker
) -> None:
    ledger.open("alice")
    worker.run_until_idle(20)
    stores = Database.open(client, database)
    ledger.deposit("alice", 1)
    ledger.act(
        "alice",
        lambda account: account.deposit(1, at=ledger.now()),
        lambda account: account.deposit(2, at=ledger.now()),
    )
    (lag, unknown) = lag_of(stores, ["statement@1", "nobody"], now=ledger.now())
    assert (lag.transactions, lag.owned, unknown.ranges) == (2, False, [])
    assert 1 < lag.seconds < 60
    worker.run_until_idle(20)
    (lag,) = lag_of(stores, ["statement@1"])
    assert (lag.transactions, lag.seconds) == (0, 0.0)


@pytest.mark.parametrize("parallel", [0, 4])
def test_a_page_costs_one_write_per_item_however_many_events_it_holds(
    client: CosmosClient, database: str, ledger: Ledger, cosmos: LocalCosmos, parallel: int
) -> None:
    for name in ("alice", "bob"):
        ledger.open(name)
    for _ in range(30):
        ledger.deposit("alice", 1)
        ledger.deposit("bob", 2)
    cosmos.log.clear()
    settings = WorkerSettings(parallel=parallel)
    Worker(client, database, views=[VIEWS["account-summary"]], settings=settings).run_until_idle(20)
    assert cosmos.log.count("batch", container="views") <= 2
    assert cosmos.log.count("read", container="views") == 2  # of the registry, for a generation that begins: no guard
