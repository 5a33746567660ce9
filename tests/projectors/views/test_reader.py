"""What queries see: pages, positions, freshness, generations."""

import threading
import time
from datetime import date, timedelta

import pytest
from azure.cosmos import CosmosClient

from eventstore.log.position import Position
from localazure.cosmos import LocalCosmos
from projectors.database import Database
from projectors.errors import BadCursor, UnknownView
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.views.consumer import ViewConsumer
from projectors.views.reader import ViewReader
from tests.projectors.feeding import Ledger

AT = "2026-11-23T12:00:00+00:00"


@pytest.fixture
def reader(client: CosmosClient, database: str) -> ViewReader:
    return ViewReader(client, database, VIEWS, follow_seconds=0.0)


@pytest.fixture
def ten_entries(ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice")
    for amount in range(1, 11):
        ledger.deposit("alice", amount, reference=f"n{amount}")
    worker.run_until_idle(20)


@pytest.mark.usefixtures("ten_entries")
@pytest.mark.parametrize("descending", [False, True])
def test_pages_follow_each_other_without_gap_or_double(reader: ViewReader, descending: bool) -> None:
    found: list[int] = []
    cursor = None
    while True:
        page = reader.page("statement", "account-alice", limit=4, cursor=cursor, descending=descending)
        found += [entry["amount"] for entry in page.data]
        cursor = page.next
        if cursor is None:
            break
    assert found == (list(range(10, 0, -1)) if descending else list(range(1, 11)))


@pytest.mark.usefixtures("ten_entries")
def test_an_entry_carries_what_a_statement_shows(reader: ViewReader) -> None:
    (entry,) = reader.page("statement", "account-alice", limit=1, descending=True).data
    assert {name: entry[name] for name in ("version", "kind", "amount", "signed", "balance", "reference")} == {
        "version": 11,
        "kind": "deposit",
        "amount": 10,
        "signed": 10,
        "balance": 55,
        "reference": "n10",
    }
    assert entry["effective_date"] == "2026-11-23"
    assert entry["recorded_at"].startswith("2026-11-23T12:")


def test_a_period_takes_both_of_its_ends_in(reader: ViewReader, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice")
    for day in (1, 2, 3, 4):
        ledger.deposit("alice", day, effective_date=date(2026, 1, day))
    worker.run_until_idle(20)
    period = {"effective_date": ("2026-01-02", "2026-01-03")}
    assert [entry["amount"] for entry in reader.page("statement", "account-alice", where=period).data] == [2, 3]
    with pytest.raises(ValueError, match="no field"):
        reader.page("statement", "account-alice", where={"x = 1 OR c.id": (1, None)})


def test_a_cursor_that_was_made_up_is_refused(reader: ViewReader) -> None:
    for cursor in ("nonsense", "WzIsMSwyXQ", "é"):
        with pytest.raises(BadCursor):
            reader.page("statement", "account-alice", cursor=cursor)


def test_a_view_of_the_wrong_name_or_kind_is_refused_with_the_names_there_are(reader: ViewReader) -> None:
    with pytest.raises(UnknownView, match="account-summary"):
        reader.get("balances", "account-alice")
    with pytest.raises(UnknownView, match="ledger-totals"):
        reader.sums("statement", "EUR-2")


def test_a_reader_waits_for_the_position_that_it_is_given(reader: ViewReader, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice")
    thread = threading.Thread(target=worker.run_until_idle, args=(20,))
    after = Position("account-alice", 1)
    assert not reader.get("account-summary", "account-alice", after=after).freshness.reached
    thread.start()
    found = reader.get("account-summary", "account-alice", after=after, wait=10)
    thread.join()
    assert (found.freshness.reached, found.freshness.version) == (True, 1)


@pytest.mark.usefixtures("ten_entries")
def test_a_position_that_does_not_come_in_time_is_answered_with_what_there_is(reader: ViewReader) -> None:
    began = time.monotonic()
    found = reader.get("account-summary", "account-alice", after=Position("account-alice", 12), wait=0.1)
    assert 0.1 <= time.monotonic() - began < 5
    assert (found.freshness.reached, found.freshness.version) == (False, 11)
    elsewhere = reader.get("account-summary", "account-alice", after=Position("account-bob", 12), wait=5)
    assert elsewhere.freshness.reached


def test_a_stream_that_the_view_has_not_heard_of_has_no_data_and_version_0(reader: ViewReader, ledger: Ledger) -> None:
    found = reader.get("account-summary", "account-nobody")
    assert (found.data, found.freshness.version, found.freshness.recorded_at) == (None, 0, None)
    assert reader.page("statement", "account-nobody").data == []


@pytest.mark.usefixtures("ten_entries")
def test_a_reader_follows_a_switch_and_never_goes_back(
    reader: ViewReader, client: CosmosClient, database: str, ledger: Ledger, worker: Worker
) -> None:
    stores = Database.open(client, database)
    stores.registry.build("statement", by="olga", at=AT)
    consumer = ViewConsumer(VIEWS["statement"], 2, views=stores.views, history=stores.history, mapper=stores.mapper)
    rebuilding = Worker(client, database, [consumer], views=())
    rebuilding.run_until_idle(20)
    ledger.deposit("alice", 11)
    worker.run_until_idle(20)
    assert reader.page("statement", "account-alice").freshness.version == 12
    stores.registry.switch("statement", 2, at=AT)
    behind = reader.page("statement", "account-alice", wait=0.05)
    assert (behind.freshness.generation, behind.freshness.version, behind.freshness.reached) == (2, 11, False)
    thread = threading.Thread(target=rebuilding.run_until_idle, args=(20,))
    thread.start()
    caught_up = reader.page("statement", "account-alice", wait=10)
    thread.join()
    assert (caught_up.freshness.generation, caught_up.freshness.version, caught_up.freshness.reached) == (2, 12, True)


def test_open_holds_come_in_the_order_in_which_they_expire(reader: ViewReader, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice")
    ledger.deposit("alice", 100)
    now = ledger.now()
    for amount, hours in ((1, 9), (2, 3), (3, None), (4, 5)):
        ends = now + timedelta(hours=hours) if hours else None
        ledger.act("alice", lambda account, a=amount, e=ends: account.place_hold(a, expires_at=e, at=ledger.now()))
    worker.run_until_idle(20)
    assert [hold["amount"] for hold in reader.page("active-holds", "account-alice").data] == [2, 4, 1, 3]
    due = reader.due("active-holds", "expires_at", (now + timedelta(hours=6)).isoformat(timespec="microseconds"))
    assert due == ["account-alice"]
    assert reader.due("active-holds", "expires_at", now.isoformat(timespec="microseconds")) == []
    assert reader.partial("active-holds") == []


def test_sums_are_added_up_over_ranges_and_bounded_by_their_keys(
    reader: ViewReader, ledger: Ledger, worker: Worker, cosmos: LocalCosmos, database: str
) -> None:
    for name, owner in (("alice", "olga"), ("bob", "olga"), ("key", "otto")):
        ledger.open(name, owner=owner)
        ledger.deposit(name, 10)
    worker.run_until_idle(20)
    cosmos.split(database, "events")
    for name in ("alice", "bob", "key"):
        ledger.deposit(name, 5)
    worker.run_until_idle(20)
    totals = reader.sums("ledger-totals", "EUR-2:2026-01-01", "EUR-2:2026-12-31")
    assert totals.data == {"EUR-2:2026-11-23": {"accounts_opened": 3, "deposits": 45, "movements": 6}}
    assert (totals.freshness.generation, totals.freshness.parked) == (1, [])
    assert reader.sums("ledger-totals", "EUR-2:2027-01-01", "EUR-2:2027-12-31").data == {}
    assert reader.sums("owner-accounts", "olga").data == {"olga": {"alice": 1, "bob": 1}}
    assert reader.sums("owner-accounts", "otto").data == {"otto": {"key": 1}}


def test_sums_wait_for_the_transaction_of_a_position(reader: ViewReader, ledger: Ledger, worker: Worker) -> None:
    ledger.open("alice")
    worker.run_until_idle(20)
    for session, reached in (("0:1#1", True), ("0:1#2", False), ("", False)):
        after = Position("account-alice", 1, session)
        assert reader.sums("ledger-totals", "a", "z", after=after).freshness.reached is reached
    ledger.deposit("alice", 5)
    thread = threading.Thread(target=worker.run_until_idle, args=(20,))
    thread.start()
    found = reader.sums("ledger-totals", "EUR-2:2026-11-23", after=Position("account-alice", 2, "0:1#2"), wait=10)
    thread.join()
    assert (found.freshness.reached, found.data["EUR-2:2026-11-23"]["deposits"]) == (True, 5)


@pytest.mark.parametrize("view", ["account-summary", "ledger-totals"])
def test_what_was_served_is_waited_for_though_nothing_was_asked_for(
    client: CosmosClient, database: str, ledger: Ledger, worker: Worker, view: str
) -> None:
    """Two generations, the second one a deposit behind when it begins to serve."""
    reader, stores = ViewReader(client, database, VIEWS, follow_seconds=0.0), Database.open(client, database)
    second = ViewConsumer(VIEWS[view], 2, views=stores.views, history=stores.history, mapper=stores.mapper)
    behind = Worker(client, database, [second], views=())

    def seen() -> int:
        if view == "ledger-totals":
            return sum(day["movements"] for day in reader.sums(view, "EUR-2:2026-01-01", "EUR-2:2027").data.values())
        return reader.get(view, "account-alice").freshness.version - 1

    ledger.open("alice")
    ledger.deposit("alice", 1)
    behind.run_until_idle(20)
    ledger.deposit("alice", 2)
    worker.run_until_idle(20)
    assert seen() == 2
    stores.registry.build(view, by="olga", at=AT)
    stores.registry.switch(view, 2, at=AT)
    later = threading.Timer(0.2, behind.run_until_idle, args=(20,))
    later.start()
    assert seen() == 2
    later.join()
