"""Throughput and retries, left where another process finds them: in the leases, without a request of their own."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from azure.cosmos import CosmosClient

from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.consumer import PageConsumer
from projectors.database import Database
from projectors.lag import ConsumerLag, lag_of
from projectors.leases.lease import Lease
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.throughput.retries import CountingExecutor, Retries, RetryCounter, Sample, book, marked
from tests.projectors.feeding import Ledger, rows


def lag(client: CosmosClient, database: str, name: str, *, later: float = 0.0) -> ConsumerLag:
    """As another process sees it, so many seconds from now."""
    (found,) = lag_of(Database.open(client, database), [name], now=datetime.now(UTC) + timedelta(seconds=later))
    return found


@pytest.mark.parametrize("parallel", [0, 4])
def test_another_process_sees_how_much_was_done_and_what_was_done_again(
    client: CosmosClient, database: str, ledger: Ledger, cosmos: LocalCosmos, parallel: int
) -> None:
    for name in ("alice", "bob", "carol"):
        ledger.open(name)
    cosmos.faults.add(status=429, retry_after_ms=1, count=9, container="views", operation="batch")
    settings = WorkerSettings(parallel=parallel, retry_min=0.001)
    Worker(client, database, only=["account-summary"], settings=settings, views=VIEWS.values()).run_until_idle(30)
    cosmos.faults.clear()
    Worker(client, database, only=["statement"], settings=settings, views=VIEWS.values()).run_until_idle(30)
    summary, statement = (lag(client, database, f"{name}@1") for name in ("account-summary", "statement"))
    assert [part.applied for part in (*summary.ranges, *statement.ranges)] == [3, 3]
    assert summary.rate > 0
    assert summary.retries.throttled > 0
    assert statement.retries == Retries()


def test_conflicts_and_failures_are_told_apart(
    client: CosmosClient, database: str, ledger: Ledger, cosmos: LocalCosmos, settings: WorkerSettings
) -> None:
    failing = iter([True, True])

    def work(_: object) -> None:
        if next(failing, False):
            raise ConnectionError("the hub is away")

    def overtaken(info: RequestInfo, phase: str) -> None:
        if info.operation == "batch" and info.container == "views" and phase == "before":
            remove()
            (guard,) = rows(client, database, "account-summary")
            client.get_database_client(database).get_container_client("views").upsert_item(guard)

    ledger.open("alice")
    worker = Worker(
        client, database, [PageConsumer("relay", work)], views=[VIEWS["account-summary"]], settings=settings
    )
    worker.run_until_idle(30)
    ledger.deposit("alice", 5)
    remove = cosmos.faults.on_request(overtaken)
    worker.run_until_idle(30)
    assert lag(client, database, "account-summary@1").retries == Retries(conflicts=1)
    assert lag(client, database, "relay").retries == Retries(errors=2)


def test_a_page_writes_its_lease_once(
    client: CosmosClient, database: str, ledger: Ledger, cosmos: LocalCosmos, settings: WorkerSettings
) -> None:
    """Once more to take it and once more to give it back, with the last position."""
    ledger.open("alice")
    for _ in range(9):
        ledger.deposit("alice", 1)
    pages = settings.model_copy(update={"page": 1, "flush": 0.0})
    cosmos.log.clear()
    Worker(client, database, only=["account-summary"], settings=pages, views=VIEWS.values()).run_until_idle(30)
    assert cosmos.log.count("replace", container="leases") == 10 + 2
    (lease,) = Database.open(client, database).leases.of("account-summary@1")
    assert (lease.lsn, lease.events) == (10, 10)


def test_totals_go_on_with_whoever_takes_the_lease_and_after_a_split(
    client: CosmosClient, database: str, ledger: Ledger, cosmos: LocalCosmos, settings: WorkerSettings
) -> None:
    def work() -> None:
        Worker(client, database, only=["statement"], settings=settings, views=VIEWS.values()).run_until_idle(30)

    for name in ("alice", "bob", "carol", "dave"):
        ledger.open(name)
    cosmos.faults.add(status=429, retry_after_ms=1, count=9, container="views", operation="batch")
    work()
    before = lag(client, database, "statement@1")
    assert before.ranges[0].retries.throttled > 0
    ledger.deposit("alice", 1)
    work()
    after = lag(client, database, "statement@1")
    assert (after.ranges[0].applied, after.ranges[0].retries) == (5, before.ranges[0].retries)
    cosmos.split(database, "events")
    for name in ("alice", "bob", "carol", "dave"):
        ledger.deposit(name, 1)
    work()
    children = lag(client, database, "statement@1")
    assert len(children.ranges) == 2
    assert sum(part.applied for part in children.ranges) == 5 + 4
    assert [part.retries for part in children.ranges] == [before.ranges[0].retries, Retries()]
    since = children.since(after, 2.0)
    assert (since.rate, since.retries, since.recent_seconds) == (2.0, Retries(), 2.0)


def test_a_rate_falls_to_nothing_when_nobody_works_any_more(
    client: CosmosClient, database: str, ledger: Ledger, settings: WorkerSettings
) -> None:
    ledger.open("alice")
    Worker(client, database, only=["statement"], settings=settings, views=VIEWS.values()).run_until_idle(30)
    assert lag(client, database, "statement@1", later=1).rate > 0.1
    assert lag(client, database, "statement@1", later=3600).rate < 0.001


def test_leases_written_before_there_were_tallies_are_read(client: CosmosClient, database: str) -> None:
    stores = Database.open(client, database)
    stores.leases.establish("relay", stores.feed.ranges(), stores.feed.rid())
    container = client.get_database_client(database).get_container_client("leases")
    document = container.read_item("00-FF", "relay")
    del document["retries"], document["marks"]
    container.replace_item("00-FF", document)
    (lease,) = stores.leases.of("relay")
    assert (lease.retries, lease.marks) == (Retries(), ())
    (found,) = lag_of(stores, ["relay"])
    assert (found.rate, found.retries) == (0.0, Retries())
    assert Lease.from_document(lease.document() | {"_etag": "e"}).marks == ()


def test_marks_are_two_at_most_and_some_seconds_apart() -> None:
    marks: tuple[Sample, ...] = ()
    for second in range(100):
        marks = marked(marks, Sample(float(second), second, Retries(throttled=second)))
    assert [mark.at for mark in marks] == [80.0, 90.0]
    assert [Sample.from_document(mark.document()) for mark in marks] == list(marks)


def test_lag_in_events_is_counted_when_few_wait_and_reckoned_when_many_do(
    client: CosmosClient, database: str, ledger: Ledger, settings: WorkerSettings
) -> None:
    ledger.open("alice")
    worker = Worker(client, database, only=["statement"], settings=settings, views=VIEWS.values())
    worker.run_until_idle(30)
    deposit = [lambda account: account.deposit(1, at=ledger.now())] * 5
    for _ in range(10):
        ledger.act("alice", *deposit)
    found = lag(client, database, "statement@1")
    assert (found.transactions, found.events, found.counted) == (10, 50, True)
    for _ in range(50):
        ledger.act("alice", *deposit)
    found = lag(client, database, "statement@1")
    assert (found.transactions, found.events, found.counted) == (60, 300, False)


def test_what_threads_do_for_somebody_is_booked_with_him() -> None:
    mine, yours = RetryCounter(), RetryCounter()
    with CountingExecutor(2) as executor:
        with mine.booking():
            list(executor.map(book, [Retries(throttled=1)] * 20))
        with yours.booking():
            executor.submit(book, Retries(conflicts=1)).result()
        executor.submit(book, Retries(errors=1)).result()
    assert (mine.counted, yours.counted) == (Retries(throttled=20), Retries(conflicts=1))


def test_a_worker_shows_its_work_while_it_works(client: CosmosClient, database: str, ledger: Ledger) -> None:
    stop = threading.Event()
    worker = Worker(
        client,
        database,
        only=["statement"],
        settings=WorkerSettings(refresh=0.05, idle_min=0.005),
        views=VIEWS.values(),
    )
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        ledger.open("alice")
        end = time.monotonic() + 20
        while not any(part.applied and part.owned for part in lag(client, database, "statement@1").ranges):
            assert time.monotonic() < end
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join(20)
