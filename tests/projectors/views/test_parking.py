"""Events that a view cannot apply: their stream waits, everything else goes on, and nothing is lost on the way back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.cosmos import CosmosClient

from domain.ledger.account import Account
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.errors import NotParked, PoisonEvent
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.consumer import ViewConsumer
from projectors.views.dead_letters import DeadLetters, all_dead_letters, dead_letters_of
from projectors.views.reader import ViewReader
from projectors.views.streams.view import Change, StreamView
from projectors.views.view import on
from tests.projectors.broken import Broken
from tests.projectors.cases import SHOWS
from tests.projectors.feeding import Ledger, rows, shown_by_the_views, told_by_the_log

AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Broken:
    return Broken(monkeypatch)


@pytest.fixture
def stores(client: CosmosClient, database: str) -> Database:
    return Database.open(client, database)


def drain(stores: Database, view: str) -> DeadLetters:
    return dead_letters_of(VIEWS[view], 1, views=stores.views, history=stores.history, mapper=stores.mapper)


def poison(ledger: Ledger) -> None:
    for name in ("alice", "bob"):
        ledger.open(name)
        ledger.deposit(name, 100)
    ledger.deposit("alice", 13)
    ledger.withdraw("alice", 1)
    ledger.deposit("bob", 7)


@pytest.mark.parametrize("page", [1, 3, 100])
def test_a_stream_waits_behind_its_poison_and_all_others_go_on(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, stores: Database, page: int
) -> None:
    poison(ledger)
    worker = Worker(client, database, settings=WorkerSettings(parallel=0, page=page), views=VIEWS.values())
    assert worker.run_until_idle(30).idle
    ledger.withdraw("alice", 2)
    assert worker.run_until_idle(30).idle
    (found,) = all_dead_letters(stores.views, "statement", 1)
    assert (found.stream, found.version, found.upto, found.attempts) == ("account-alice", 2, 5, 1)
    assert found.reason == "ValueError: thirteen"
    shown = shown_by_the_views(client, database)
    expected = told_by_the_log(ledger)
    assert shown.statements["alice"] == expected.statements["alice"][:1]
    assert (shown.statements["bob"], shown.balances) == (expected.statements["bob"], expected.balances)


def test_a_poison_event_that_comes_alone_parks_its_stream(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, stores: Database
) -> None:
    """The park is then the only thing to write."""
    ledger.open("alice")
    worker = Worker(client, database, settings=WorkerSettings(parallel=0), views=VIEWS.values())
    assert worker.run_until_idle(30).idle
    ledger.deposit("alice", 13)
    assert worker.run_until_idle(30).idle
    (found,) = all_dead_letters(stores.views, "statement", 1)
    assert (found.stream, found.version, found.upto) == ("account-alice", 1, 2)


def test_readers_of_a_parked_stream_are_told(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, worker: Worker
) -> None:
    poison(ledger)
    worker.run_until_idle(30)
    found = ViewReader(client, database, VIEWS).page("statement", "account-alice")
    assert [entry["balance"] for entry in found.data] == [100]
    assert found.freshness.parked is not None
    assert (found.freshness.version, found.freshness.parked["version"], found.freshness.parked["upto"]) == (2, 3, 4)


@pytest.mark.parametrize("view", ["statement", "ledger-totals"])
def test_a_retry_after_the_mend_brings_everything_in_order(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, stores: Database, worker: Worker, view: str
) -> None:
    poison(ledger)
    worker.run_until_idle(30)
    failure = drain(stores, view).retry("account-alice")
    assert failure is not None
    assert (failure["version"], failure["reason"]) == (3, "ValueError: thirteen")
    assert [parked.attempts for parked in all_dead_letters(stores.views, view, 1)] == [2]
    broken.on = False
    for name in ("statement", "ledger-totals"):
        assert drain(stores, name).retry("account-alice") is None
        assert drain(stores, name).retry("account-alice") is None
        assert all_dead_letters(stores.views, name, 1) == []
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)
    ledger.deposit("alice", 13)
    worker.run_until_idle(30)
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)


def test_a_retry_of_more_than_a_batch_holds_ends_the_wait_with_its_last_batch(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, stores: Database, worker: Worker
) -> None:
    """With its first one, what comes behind would wait for ever when nothing more happens to the stream."""
    ledger.open("alice")
    ledger.deposit("alice", 13)
    for _ in range(12):
        ledger.act("alice", *[lambda account: account.deposit(1, at=ledger.now())] * 10)
    worker.run_until_idle(30)
    broken.on = False
    assert drain(stores, "statement").retry("account-alice") is None
    shown = shown_by_the_views(client, database, views=["statement"])
    assert shown.statements == told_by_the_log(ledger).statements


class Killed(BaseException):
    """The process is gone."""


def test_a_retry_that_is_killed_between_its_batches_leaves_the_rest_waiting(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    broken: Broken,
    stores: Database,
    worker: Worker,
    cosmos: LocalCosmos,
) -> None:
    """The positions are beyond it: without the mark nobody would look for it."""
    ledger.open("alice")
    ledger.deposit("alice", 13)
    for _ in range(12):
        ledger.act("alice", *[lambda account: account.deposit(1, at=ledger.now())] * 10)
    worker.run_until_idle(30)
    broken.on = False

    def kill(info: RequestInfo, phase: str) -> None:
        if info.operation == "batch" and phase == "after":
            raise Killed

    remove = cosmos.faults.on_request(kill)
    with pytest.raises(Killed):
        drain(stores, "statement").retry("account-alice")
    remove()
    (found,) = all_dead_letters(stores.views, "statement", 1)
    assert 1 < found.version < found.upto == 122
    assert drain(stores, "statement").retry("account-alice") is None
    shown = shown_by_the_views(client, database, views=["statement"])
    assert shown.statements == told_by_the_log(ledger).statements


@pytest.mark.parametrize("view", ["statement", "ledger-totals"])
def test_a_worker_that_sees_more_of_a_parked_stream_beside_a_retry_strands_nothing(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    broken: Broken,
    stores: Database,
    worker: Worker,
    cosmos: LocalCosmos,
    view: str,
) -> None:
    """The drain ends the park in the write that reaches the mark; the worker raises the mark under the same guard."""
    poison(ledger)
    worker.run_until_idle(30)
    broken.on = False

    def more(info: RequestInfo, phase: str) -> None:
        if info.operation == "batch" and phase == "before":
            remove()
            ledger.withdraw("alice", 3)
            worker.run_until_idle(30)

    remove = cosmos.faults.on_request(more)
    assert drain(stores, view).retry("account-alice") is None
    worker.run_until_idle(30)
    shown, told = shown_by_the_views(client, database), told_by_the_log(ledger)
    assert getattr(shown, SHOWS[view]) == getattr(told, SHOWS[view])


def test_two_retries_at_once_apply_everything_once(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    broken: Broken,
    stores: Database,
    worker: Worker,
    cosmos: LocalCosmos,
) -> None:
    poison(ledger)
    worker.run_until_idle(30)
    broken.on = False
    for view in ("statement", "ledger-totals"):
        others = iter([drain(stores, view)])

        def other(info: RequestInfo, phase: str, others: Iterator[DeadLetters] = others) -> None:
            if info.operation == "batch" and phase == "before":
                for waiting in others:
                    assert waiting.retry("account-alice") is None

        remove = cosmos.faults.on_request(other)
        assert drain(stores, view).retry("account-alice") is None
        remove()
        assert next(others, None) is None
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)


def test_a_retry_of_sums_takes_in_what_was_passed_over_and_no_more(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, stores: Database, worker: Worker
) -> None:
    """Up to the stream's end instead, what the worker has not read yet would be added twice."""
    poison(ledger)
    worker.run_until_idle(30)
    ledger.deposit("alice", 50)
    broken.on = False
    assert drain(stores, "ledger-totals").retry("account-alice") is None
    assert drain(stores, "statement").retry("account-alice") is None
    worker.run_until_idle(30)
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)


def test_what_is_late_before_a_split_is_taken_in_after_it(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    broken: Broken,
    stores: Database,
    worker: Worker,
    cosmos: LocalCosmos,
) -> None:
    poison(ledger)
    worker.run_until_idle(30)
    cosmos.split(database, "events")
    ledger.deposit("alice", 50)
    worker.run_until_idle(30)
    broken.on = False
    for view in ("statement", "ledger-totals"):
        assert drain(stores, view).retry("account-alice") is None
    worker.run_until_idle(30)
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)


@pytest.mark.parametrize("view", ["statement", "ledger-totals"])
def test_dropping_leaves_one_event_out_and_keeps_a_note(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, stores: Database, worker: Worker, view: str
) -> None:
    poison(ledger)
    worker.run_until_idle(30)
    with pytest.raises(NotParked, match="version 4"):
        drain(stores, view).drop("account-alice", 4, by="olga", at=AT)
    drain(stores, view).drop("account-alice", 3, by="olga", at=AT)
    assert drain(stores, view).retry("account-alice") is None
    assert all_dead_letters(stores.views, view, 1) == []
    (note,) = [note for row in rows(client, database, view) for note in row.get("dropped", ())]
    assert (note["version"], note["by"], note["reason"]) == (3, "olga", "ValueError: thirteen")
    shown = shown_by_the_views(client, database)
    if view == "statement":
        assert shown.statements["alice"] == [(2, 100, 100), (4, -1, 99)]
    else:
        assert shown.totals == {"EUR-2:2026-11-23": {"deposits": 207, "withdrawals": 1}}


@pytest.mark.parametrize("lost", [{}, {"timeout": True}, {"status": 503}, {"status": 408}], ids=str)
@pytest.mark.parametrize("worked", [False, True], ids=["alone", "beside a worker"])
def test_a_drop_whose_answer_is_lost_knows_its_own_write(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    broken: Broken,
    stores: Database,
    worker: Worker,
    cosmos: LocalCosmos,
    lost: dict[str, Any],
    worked: bool,
) -> None:
    poison(ledger)
    worker.run_until_idle(30)

    def more(info: RequestInfo, phase: str) -> None:
        if info.operation == "batch" and phase == "after":
            remove()
            ledger.deposit("alice", 13)
            assert worker.run_until_idle(30).idle

    cosmos.faults.add(lose_answer=True, operation="batch", container="views", count=1, **lost)
    remove = cosmos.faults.on_request(more) if worked else lambda: None
    drain(stores, "statement").drop("account-alice", 3, by="olga", at=AT)
    notes = [note for row in rows(client, database, "statement") for note in row.get("dropped", ())]
    assert [(note["version"], note["by"]) for note in notes] == [(3, "olga")]


def test_an_event_that_cannot_be_read_parks_its_stream_too(
    client: CosmosClient, database: str, ledger: Ledger, stores: Database, worker: Worker
) -> None:
    ledger.open("alice")
    ledger.corrupt("alice")
    ledger.open("bob")
    assert worker.run_until_idle(30).idle
    for view in ("account-summary", "statement"):
        assert [(found.stream, found.version) for found in all_dead_letters(stores.views, view, 1)] == [
            ("account-alice", 1)
        ]
    assert {row["id"] for row in rows(client, database, "account-summary")} == {"~alice", "~bob"}


def test_without_parking_a_poison_event_stops_the_consumer_and_is_named(
    client: CosmosClient, database: str, ledger: Ledger, broken: Broken, stores: Database, settings: WorkerSettings
) -> None:
    poison(ledger)
    for name in ("statement", "ledger-totals"):
        consumer = ViewConsumer(
            VIEWS[name], 1, views=stores.views, history=stores.history, mapper=stores.mapper, park=False
        )
        broken.on = True
        with pytest.raises(PoisonEvent, match=r"account-alice version 3 .*thirteen") as caught:
            Worker(client, database, [consumer], views=(), settings=settings).run_until_idle(30)
        assert caught.value.facts()["type"] == "account.funds-credited"
        broken.on = False
        assert Worker(client, database, [consumer], views=(), settings=settings).run_until_idle(30).idle
    shown, expected = shown_by_the_views(client, database), told_by_the_log(ledger)
    assert (shown.statements, shown.totals) == (expected.statements, expected.totals)


class Enormous(StreamView):
    """Makes an item that no store takes out of every deposit of 13."""

    name = "enormous"
    category = "account"

    @on(Account.FundsCredited)
    def credited(self, change: Change, event: Account.FundsCredited) -> None:
        change.create(f"{event.originator_version:010d}", {"text": "x" * (3_000_000 if event.amount == 13 else 1)})


def test_a_write_that_the_store_never_takes_parks_only_its_stream(
    client: CosmosClient, database: str, ledger: Ledger, stores: Database, settings: WorkerSettings
) -> None:
    poison(ledger)
    assert Worker(client, database, views=[Enormous()], settings=settings).run_until_idle(30).idle
    (found,) = all_dead_letters(stores.views, "enormous", 1)
    assert (found.stream, found.version, found.upto) == ("account-alice", 2, 4)
    items = [row["id"] for row in rows(client, database, "enormous") if "data" in row]
    assert sorted(items) == ["0000000002", "0000000002", "0000000003"]
