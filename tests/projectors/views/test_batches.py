"""How changes are packed: few requests, never more than a batch holds, every batch complete in itself."""

import time
from typing import Any

import orjson
import pytest
from azure.cosmos import CosmosClient

from domain.ledger.account import Account
from localazure.cosmos import LocalCosmos, RequestInfo
from localazure.cosmos.protocol.message import Request
from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.dead_letters import all_dead_letters
from projectors.views.streams.view import Change, StreamView
from projectors.views.view import on
from tests.projectors.cases import SHOWS
from tests.projectors.feeding import Ledger, shown_by_the_views, told_by_the_log

VIEWS_OF_ACCOUNTS = ("account-summary", "statement", "active-holds", "ledger-totals")


class Killed(BaseException):
    """The process is gone."""


def watch(cosmos: LocalCosmos, stop_at: int | None = None) -> list[list[dict[str, Any]]]:
    """The batches that arrive at the views; the one numbered `stop_at` never does."""
    batches: list[list[dict[str, Any]]] = []

    def note(info: RequestInfo, phase: str) -> None:
        if info.operation == "batch" and info.container == "views" and phase == "before":
            batches.append(orjson.loads(info.body))
            if len(batches) == stop_at:
                raise Killed

    cosmos.faults.on_request(note)
    return batches


@pytest.fixture
def busy_account(ledger: Ledger) -> None:
    ledger.open("alice")
    for _ in range(26):
        ledger.act("alice", *[lambda account: account.deposit(1, at=ledger.now())] * 10)


@pytest.mark.usefixtures("busy_account")
def test_an_account_with_many_entries_goes_in_full_batches_each_with_its_guard(
    client: CosmosClient, database: str, cosmos: LocalCosmos
) -> None:
    batches = watch(cosmos)
    Worker(client, database, views=[VIEWS["statement"]], settings=WorkerSettings(parallel=0)).run_until_idle(30)
    assert all(len(batch) <= 100 for batch in batches)
    assert len(batches) <= 6
    assert all(batch[0].get("id", batch[0].get("resourceBody", {}).get("id")) == "~alice" for batch in batches)
    versions = [batch[0]["resourceBody"]["version"] for batch in batches]
    balances = [batch[0]["resourceBody"]["state"]["balance"] for batch in batches]
    assert versions == sorted(versions)
    assert balances == [version - 1 for version in versions]


@pytest.mark.usefixtures("busy_account")
@pytest.mark.parametrize("fatal", [1, 2, 3, 4, 5])
def test_a_crash_between_the_batches_of_one_account_leaves_a_whole_that_is_gone_on_with(
    client: CosmosClient, database: str, cosmos: LocalCosmos, ledger: Ledger, fatal: int
) -> None:
    views = [VIEWS[name] for name in VIEWS_OF_ACCOUNTS]
    settings = WorkerSettings(parallel=0)
    watch(cosmos, stop_at=fatal)
    with pytest.raises(Killed):
        Worker(client, database, views=views, settings=settings).run_until_idle(30)
    cosmos.faults.clear()
    for entries in shown_by_the_views(client, database).statements.values():
        assert [balance for _, _, balance in entries] == list(range(1, len(entries) + 1))
    assert Worker(client, database, views=views, settings=settings).run_until_idle(30).idle
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)


def test_accounts_that_share_a_bucket_go_in_one_batch(
    client: CosmosClient, database: str, cosmos: LocalCosmos, ledger: Ledger
) -> None:
    for number in range(60):
        ledger.open(f"a{number}")
    batches = watch(cosmos)
    Worker(
        client, database, only=["account-summary"], settings=WorkerSettings(parallel=0), views=VIEWS.values()
    ).run_until_idle(30)
    assert len(batches) <= 16
    assert sum(len(batch) for batch in batches) == 60


class Wide(StreamView):
    """As many items per event as the amount says."""

    name = "wide"
    category = "account"

    @on(Account.FundsCredited)
    def credited(self, change: Change, event: Account.FundsCredited) -> None:
        for number in range(event.amount):
            change.create(f"{event.originator_version}-{number}", {})


def test_an_event_that_changes_more_items_than_a_batch_holds_is_parked_with_the_number(
    client: CosmosClient, database: str, ledger: Ledger, settings: WorkerSettings
) -> None:
    ledger.open("alice")
    for amount in (49, 50, 100, 1):
        ledger.deposit("alice", amount)
    assert Worker(client, database, views=[Wide()], settings=settings).run_until_idle(30).idle
    (found,) = all_dead_letters(Database.open(client, database).views, "wide", 1)
    assert (found.version, found.upto) == (3, 5)
    assert "changes 100 items" in found.reason


class Fleeting(StreamView):
    """Items that come, change and go within one page."""

    name = "fleeting"
    category = "account"

    @on(Account.Opened)
    def opened(self, change: Change, event: Account.Opened) -> None:
        change.create("item", {"made": event.originator_version})

    @on(Account.FundsCredited)
    def credited(self, change: Change, event: Account.FundsCredited) -> None:
        change.delete("item") if event.amount == 1 else change.replace("item", {"amount": event.amount})
        if event.amount == 3:
            change.delete("item")
            change.create("item", {"again": True})


@pytest.mark.parametrize("page", [1, 100])
@pytest.mark.parametrize(
    ("amounts", "left"), [([2], {"amount": 2}), ([2, 1], None), ([3], {"again": True}), ([3, 2], {"amount": 2})]
)
def test_only_the_net_effect_of_a_page_is_written(
    client: CosmosClient, database: str, ledger: Ledger, page: int, amounts: list[int], left: dict[str, Any] | None
) -> None:
    ledger.open("alice")
    for amount in amounts:
        ledger.deposit("alice", amount)
    settings = WorkerSettings(parallel=0, page=page)
    assert Worker(client, database, views=[Fleeting()], settings=settings).run_until_idle(30).idle
    stores = Database.open(client, database)
    assert all_dead_letters(stores.views, "fleeting", 1) == []
    rows = stores.views.query("SELECT * FROM c WHERE STARTSWITH(c.pk, 'fleeting@1:')")
    assert [row["data"] for row in rows if row["id"] == "item"] == ([left] if left else [])
    assert [row["version"] for row in rows if row["id"] == "~alice"] == [1 + len(amounts)]


@pytest.mark.parametrize("page", [3, 100])
def test_a_worker_asleep_does_not_bring_back_an_item_that_has_come_and_gone(
    client: CosmosClient, database: str, cosmos: LocalCosmos, ledger: Ledger, page: int
) -> None:
    """An empty net effect writes the guard all the same, and a guard outlives its items: both know that it is gone."""
    ledger.open("alice")
    ledger.deposit("alice", 10)
    ledger.act("alice", lambda account: account.place_hold(5, at=ledger.now()))
    ledger.act("alice", lambda account: account.release_hold(1, at=ledger.now()))
    views = [VIEWS["active-holds"]]

    def sleep(info: RequestInfo, phase: str) -> None:
        if info.operation == "batch" and info.container == "views" and phase == "before":
            remove()
            awake = WorkerSettings(parallel=0, page=page, flush=0.0)
            other = Worker(client, database, views=views, settings=awake, clock=lambda: time.time() + 1_000)
            assert other.run_until_idle(30).idle

    remove = cosmos.faults.on_request(sleep)
    Worker(client, database, views=views, settings=WorkerSettings(parallel=0, page=3, flush=0.0)).run_until_idle(30)
    shown = shown_by_the_views(client, database, views=["active-holds"])
    assert shown.holds == {"alice": set()}


@pytest.mark.parametrize("view", ["statement", "ledger-totals"])
def test_a_write_that_meets_a_shorter_one_is_decided_again(
    client: CosmosClient, database: str, cosmos: LocalCosmos, ledger: Ledger, view: str
) -> None:
    """The first page of a worker that was thought dead arrives just before its successor's, which is longer."""
    ledger.open("alice")
    for amount in range(1, 9):
        ledger.deposit("alice", amount)
    views = [VIEWS[view]]
    underway: list[Request] = []

    def arrive_late(info: RequestInfo, phase: str) -> None:
        if info.operation != "batch" or info.container != "views" or phase != "before":
            return
        if not underway:
            underway.append(Request(info.method, info.path, dict(info.headers), info.body))
            raise Killed
        remove()
        cosmos.exchange(underway[0])

    remove = cosmos.faults.on_request(arrive_late)
    with pytest.raises(Killed):
        Worker(client, database, views=views, settings=WorkerSettings(parallel=0, page=3, flush=0.0)).run_until_idle(30)
    successor = Worker(
        client, database, views=views, settings=WorkerSettings(parallel=0), clock=lambda: time.time() + 1_000
    )
    assert successor.run_until_idle(30).idle
    shown, told = shown_by_the_views(client, database), told_by_the_log(ledger)
    assert getattr(shown, SHOWS[view]) == getattr(told, SHOWS[view])
