"""Holds whose time is over are released, once, and no others."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseError

from domain.ledger import Account, ExpiryStep
from domain.ledger.transfer import Status
from localazure.cosmos import RequestInfo
from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.ledger.views.active_holds import ActiveHolds
from projectors.processes.steps import Steps
from projectors.views.dead_letters import all_dead_letters, dead_letters_of
from projectors.views.streams.view import Change
from tests.ledger.transfers.bank import DATABASE, WRITES, Bank

HOUR = timedelta(hours=1)
BEYOND = datetime.fromisoformat("9999-12-31T23:59:59-05:00")
"""No year of UTC has it. Events of old may name it."""


def place(bank: Bank, amount: int = 100, *, expires: bool = True) -> None:
    at = bank.clock.now
    bank.act("alice", lambda account: account.place_hold(amount, expires_at=at + HOUR if expires else None, at=at))


def releases(bank: Bank) -> list[Any]:
    return [event for event in bank.log() if event.type == Account.HoldReleased.TOPIC]


def test_an_expired_hold_is_released_once_and_others_stay(bank: Bank) -> None:
    place(bank)
    place(bank, 50, expires=False)
    bank.clock.advance(seconds=1)
    place(bank, 70)
    bank.project()
    watchdog = bank.processes().watchdog
    assert watchdog.visit().holds.holds == 0
    bank.clock.advance(seconds=3_599)
    assert watchdog.visit().holds.holds == 1
    assert watchdog.visit().holds.holds == 0, "before the view has heard of it"
    assert bank.processes().watchdog.visit().holds.holds == 0, "nor by anybody else"
    bank.project()
    assert watchdog.visit().holds.holds == 0
    assert bank.account("alice") == (500, 120)
    assert len(releases(bank)) == 1


def test_the_release_tells_who_and_why(bank: Bank) -> None:
    place(bank)
    bank.project()
    bank.clock.advance(hours=2)
    bank.processes().watchdog.visit()
    (event,) = releases(bank)
    assert event.command_id == "hold·1·expire"
    assert event.meta["actor"] == "process:hold-expiry"
    assert event.meta["correlation"] == "account-alice-hold-1"
    assert event.meta["recorded_at"] == bank.clock.now.isoformat()


def test_a_hold_that_was_captured_in_time_stays_captured(bank: Bank) -> None:
    place(bank)
    bank.project()
    bank.act("alice", lambda account: account.capture_hold(1, at=bank.clock.now))
    bank.clock.advance(hours=2)
    visit = bank.processes().watchdog.visit()
    assert (visit.holds.holds, visit.holds.failures) == (0, {})
    assert bank.account("alice") == (400, 0)
    assert releases(bank) == []


def test_the_hold_of_a_transfer_never_expires(bank: Bank) -> None:
    """Not even when somebody takes it for one of those that do."""
    bank.request()

    def expire(info: RequestInfo, phase: str) -> None:
        if phase == "before" and b'"account.funds-credited"' in info.body and b"t1" in info.body:
            remove()
            bank.project()
            bank.clock.advance(days=400)
            assert bank.processes(resume_after=10**9).watchdog.visit().holds.holds == 0
            step = ExpiryStep("alice", 1)
            outcome = Steps(bank.new_store(), actor="test").run(step, at=bank.clock.now, correlation="c")
            assert outcome.refusal is not None
            assert outcome.refusal.code == "HOLD_OF_TRANSFER"

    remove = bank.cosmos.faults.on_request(expire)
    bank.settle()
    assert bank.status() is Status.COMPLETED
    assert releases(bank) == []
    bank.check()


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_answer_releases_no_hold_twice(bank: Bank, lost: int) -> None:
    place(bank)
    place(bank, 50)
    bank.project()
    bank.clock.advance(hours=2)
    writes = 0

    def lose(info: RequestInfo, phase: str) -> None:
        nonlocal writes
        writes += phase == "after" and info.operation in WRITES
        if phase == "after" and info.operation in WRITES and writes == lost:
            raise ServiceResponseError("the answer was lost")

    with bank.watched(lose):
        assert bank.processes().watchdog.visit().holds.holds == 2
    assert bank.account("alice") == (500, 0)
    assert len(releases(bank)) == 2


def test_two_watchdogs_release_a_hold_once(bank: Bank) -> None:
    for _ in range(4):
        place(bank, 10)
    bank.project()
    bank.clock.advance(hours=2)
    watchdogs = [bank.processes(parallel=2).watchdog for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        counts = list(threads.map(lambda watchdog: watchdog.visit().holds.holds, watchdogs))
    assert sum(counts) == len(releases(bank)) == 4
    assert bank.account("alice") == (500, 0)


def test_a_hold_that_cannot_be_released_now_holds_up_no_other_one(bank: Bank) -> None:
    bank.open("carl", 30)
    place(bank)
    at = bank.clock.now
    bank.act("carl", lambda account: account.place_hold(30, expires_at=at + HOUR, at=at))
    bank.project()
    bank.clock.advance(hours=2)

    def refuse(info: RequestInfo, phase: str) -> None:
        if phase == "before" and b'"account-alice"' in info.body and b"hold-released" in info.body:
            raise ServiceResponseError("no answer")

    with bank.watched(refuse):
        released = bank.processes().watchdog.visit().holds
    assert released.holds == 1
    assert "no answer for stream account-alice" in released.failures["alice 1"]
    assert bank.processes().watchdog.visit().holds.holds == 1


def place_as_of_old(bank: Bank, expires_at: datetime = BEYOND) -> None:
    """A hold as it was recorded before times were kept in UTC."""

    def command(account: Account) -> None:
        hold = {"hold_id": account.holds.placed + 1, "transfer_id": None, "reference": None}
        account._move(Account.HoldPlaced, 10, bank.clock.now, expires_at=expires_at, **hold)

    bank.act("alice", command)


def refuse(monkeypatch: pytest.MonkeyPatch, hold: int) -> None:
    """The view cannot apply that a hold of this number is placed."""
    placed = ActiveHolds.placed

    def refusing(view: ActiveHolds, change: Change, event: Account.HoldPlaced) -> None:
        if event.hold_id == hold:
            raise ValueError("not this one")
        placed(view, change, event)

    monkeypatch.setattr(ActiveHolds, "placed", refusing)


def test_a_hold_until_a_time_that_utc_has_no_year_for_stays_and_holds_up_no_other_one(bank: Bank) -> None:
    place_as_of_old(bank)
    place(bank, 70)
    bank.project()
    assert all_dead_letters(Database.open(bank.client, DATABASE).views, "active-holds", 1) == []
    bank.clock.advance(hours=5)
    assert bank.processes().watchdog.visit().holds.holds == 1
    assert bank.account("alice") == (500, 10)


def test_holds_expire_on_an_account_that_is_parked_in_the_view_and_somebody_is_told(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refuse(monkeypatch, 1)
    place(bank, 30)
    place(bank, 40)
    bank.project()
    bank.clock.advance(hours=2)
    watchdog = bank.processes().watchdog
    caplog.clear()  # parking the account was told before
    with caplog.at_level(logging.WARNING):
        assert watchdog.visit().holds.holds == 2
        assert watchdog.visit().holds.holds == 0
    assert [record.message for record in caplog.records] == [
        "active-holds lacks events of account-alice: what expires is read from the account"
    ]
    assert bank.account("alice") == (500, 0)


def test_a_hold_that_was_left_out_of_the_view_expires_all_the_same(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, 1)
    place(bank, 30)
    bank.project()
    stores = Database.open(bank.client, DATABASE)
    drain = dead_letters_of(VIEWS["active-holds"], 1, views=stores.views, history=stores.history, mapper=stores.mapper)
    drain.drop("account-alice", 3, by="olga", at=bank.clock.now)
    assert all_dead_letters(stores.views, "active-holds", 1) == []
    bank.clock.advance(hours=2)
    assert bank.processes().watchdog.visit().holds.holds == 1
    bank.project()
    assert all_dead_letters(stores.views, "active-holds", 1) == []
    assert bank.account("alice") == (500, 0)


def test_an_account_that_cannot_be_read_holds_up_no_other_one(bank: Bank) -> None:
    bank.open("carl", 30)
    place(bank)
    at = bank.clock.now
    bank.act("carl", lambda account: account.place_hold(30, expires_at=at + HOUR, at=at))
    bank.project()
    bank.clock.advance(hours=2)

    def unreadable(info: RequestInfo, phase: str) -> None:
        reads = phase == "before" and info.operation == "query" and info.container == "events"
        if reads and "account-alice" in str(info.headers.get("x-ms-documentdb-partitionkey")):
            raise ServiceResponseError("no answer")

    with bank.watched(unreadable):
        released = bank.processes().watchdog.visit().holds
    assert released.holds == 1
    assert list(released.failures) == ["alice"]
    assert bank.processes().watchdog.visit().holds.holds == 1
