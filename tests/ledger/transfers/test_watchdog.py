"""What got stuck is found, brought to its end or given up, and told."""

import importlib
import logging
import threading
from collections.abc import Iterator
from datetime import timedelta

import opentelemetry.metrics
import pytest
from azure.core.exceptions import ServiceResponseError
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from domain.ledger.transfer import Status, Transfer
from localazure.cosmos import RequestInfo
from projectors.database import Database
from projectors.ledger import VIEWS, metrics
from projectors.ledger.processes import Resumed
from projectors.ledger.views.transfer_status import TransferStatus
from projectors.views.dead_letters import dead_letters_of
from projectors.views.streams.view import Change
from tests.ledger.transfers.bank import DATABASE, Bank

MINUTE = timedelta(minutes=1)
DAY = 86_400.0


def no_credit(info: RequestInfo, phase: str) -> None:
    """Nobody gets a credit of a transfer written; everything else works, and so does its refusal."""
    if phase == "before" and b'"account.funds-credited"' in info.body:
        raise ServiceResponseError("no answer")


def test_a_transfer_that_nobody_drove_is_resumed_after_its_time(bank: Bank) -> None:
    bank.request()
    bank.project()
    watchdog = bank.processes().watchdog
    bank.clock.advance(seconds=59)
    assert watchdog.resume_stuck(MINUTE) == Resumed()
    assert bank.status() is Status.REQUESTED
    bank.clock.advance(seconds=1)
    assert watchdog.resume_stuck(MINUTE) == Resumed(ended=1)
    assert bank.status() is Status.COMPLETED
    bank.project()
    assert watchdog.resume_stuck(MINUTE) == Resumed()
    bank.check()


def test_a_transfer_left_between_its_steps_is_resumed(bank: Bank) -> None:
    bank.request()
    with bank.watched(no_credit):
        bank.worker().run_until_idle(0.1)
    assert bank.account("alice") == (500, 500)
    bank.project()
    bank.clock.advance(minutes=2)
    assert bank.processes().watchdog.visit().transfers == Resumed(ended=1)
    assert bank.account("bob") == (500, 0)
    bank.check()


def test_what_stays_stuck_is_told_with_the_age_of_the_oldest(bank: Bank) -> None:
    bank.open("carl", 10)
    bank.request("t1")
    bank.clock.advance(seconds=30)
    bank.request("t2", source="carl", amount=10, target="nobody")
    bank.project()
    bank.clock.advance(minutes=5)
    with bank.watched(no_credit):
        resumed = bank.processes().watchdog.visit().transfers
    assert (resumed.ended, resumed.stuck, resumed.oldest) == (1, 1, 330.0)
    assert "no answer for stream account-bob" in resumed.failures["t1"]
    assert bank.failure("t2") == ("credit", "ACCOUNT_NOT_FOUND")


def test_a_transfer_that_cannot_go_on_is_given_up_when_its_time_is_over(bank: Bank) -> None:
    bank.request()
    bank.project()
    watchdog = bank.processes(give_up_after=DAY).watchdog
    bank.clock.advance(seconds=DAY - 1)
    with bank.watched(no_credit):
        assert watchdog.visit().transfers.stuck == 1
        assert bank.account("alice") == (500, 500)
        bank.clock.advance(seconds=1)
        assert watchdog.visit().transfers == Resumed(ended=1)
    assert bank.failure() == ("credit", "TRANSFER_GIVEN_UP")
    assert (bank.account("alice"), bank.account("bob")) == ((500, 0), (0, 0))
    bank.check()


def test_an_old_transfer_that_can_go_on_is_not_given_up(bank: Bank) -> None:
    """As after a night without workers."""
    bank.request()
    bank.project()
    bank.clock.advance(seconds=10 * DAY)
    assert bank.processes(give_up_after=DAY).watchdog.visit().transfers == Resumed(ended=1)
    assert bank.status() is Status.COMPLETED
    bank.check()


def test_giving_up_after_a_credit_that_is_there_completes_the_transfer(
    bank: Bank, caplog: pytest.LogCaptureFixture
) -> None:
    """The answers to the credit are lost each time, so for the watchdog it has failed."""
    bank.request()
    bank.project()

    def lose(info: RequestInfo, phase: str) -> None:
        if phase == "after" and b'"account.funds-credited"' in info.body:
            raise ServiceResponseError("the answer was lost")

    bank.clock.advance(seconds=DAY)
    with bank.watched(lose), caplog.at_level(logging.WARNING):
        assert bank.processes(give_up_after=DAY).watchdog.visit().transfers == Resumed(ended=1)
    assert "transfer t1 is given up after 1 day" in caplog.text
    assert bank.status() is Status.COMPLETED
    assert bank.account("bob") == (500, 0)
    bank.check()


def test_a_driver_that_wakes_after_the_transfer_was_given_up_credits_nothing(bank: Bank) -> None:
    bank.request()
    bank.project()
    bank.clock.advance(seconds=DAY)
    others = bank.processes()

    def sleep(info: RequestInfo, phase: str) -> None:
        if phase == "before" and b'"account.funds-credited"' in info.body:
            remove()
            assert others.driver.drive("t1", give_up=True) is Status.FAILED

    remove = bank.cosmos.faults.on_request(sleep)
    assert bank.processes().driver.drive("t1") is Status.FAILED
    assert (bank.account("alice"), bank.account("bob")) == ((500, 0), (0, 0))
    bank.check()


def test_what_only_a_person_can_mend_is_told_at_every_visit(bank: Bank) -> None:
    bank.request()
    bank.project()
    bank.clock.advance(seconds=2 * DAY)
    watchdog = bank.processes().watchdog
    with bank.watched(bank.other_hands_release_the_hold_of("t1")):
        first = watchdog.visit().transfers
    again = watchdog.visit().transfers
    assert first.stuck == again.stuck == 1
    assert first.failures == again.failures
    assert again.failures["t1"].startswith("transfer·t1·capture was refused with HOLD_NOT_FOUND")


def test_a_visit_without_time_resumes_nothing_and_tells_what_is_left(bank: Bank) -> None:
    bank.request()
    bank.project()
    bank.clock.advance(minutes=2)
    assert bank.processes().watchdog.visit(0.0).transfers == Resumed(stuck=1, oldest=120.0)
    assert bank.status() is Status.REQUESTED


def test_several_watchdogs_at_once_end_each_transfer_once(bank: Bank) -> None:
    for number in range(8):
        bank.request(f"t{number}", amount=10 + number)
    bank.project()
    bank.clock.advance(minutes=2)
    watchdogs = [bank.processes(parallel=4).watchdog for _ in range(2)]
    threads = [threading.Thread(target=watchdog.visit) for watchdog in watchdogs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bank.account("bob") == (sum(range(10, 18)), 0)
    bank.check()


def test_a_watchdog_runs_until_it_is_stopped_and_survives_a_store_that_is_away(
    bank: Bank, caplog: pytest.LogCaptureFixture
) -> None:
    bank.request()
    bank.project()
    bank.clock.advance(minutes=2)

    def away(info: RequestInfo, phase: str) -> None:
        if info.container == "views" and "the watchdog could not look around" not in caplog.text:
            raise ServiceResponseError("no answer")

    stop = threading.Event()
    thread = threading.Thread(target=bank.processes(every=0.01).watchdog.run, args=(stop,))
    with bank.watched(away):
        thread.start()
        bank.wait_until_ended(1)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert "the watchdog could not look around" in caplog.text
    bank.check()


def test_looking_for_stuck_transfers_reads_single_partitions(bank: Bank) -> None:
    bank.request()
    bank.project()
    watchdog = bank.processes().watchdog
    queries: list[bool] = []

    def see(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.operation == "query":
            queries.append("x-ms-documentdb-partitionkey" in {name.lower() for name in info.headers})

    with bank.watched(see):
        watchdog.resume_stuck(MINUTE)
    assert queries == [True] * 16 + [False], "and one query for those that are parked"


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    """What the instruments of the processes measure from now on."""
    reader = InMemoryMetricReader()
    with monkeypatch.context() as patch:
        patch.setattr(opentelemetry.metrics, "get_meter", MeterProvider([reader]).get_meter)
        importlib.reload(metrics)
    yield reader
    importlib.reload(metrics)


def measured(reader: InMemoryMetricReader) -> dict[str, float]:
    data = reader.get_metrics_data()
    assert data is not None
    (resource,) = data.resource_metrics
    return {metric.name: metric.data.data_points[0].value for metric in resource.scope_metrics[0].metrics}  # type: ignore[union-attr]


def test_a_visit_measures_what_an_alert_reads(bank: Bank, reader: InMemoryMetricReader) -> None:
    bank.request(amount=400)
    at = bank.clock.now
    bank.act("alice", lambda account: account.place_hold(1, expires_at=at + MINUTE, at=at))
    bank.project()
    bank.clock.advance(minutes=2)
    with bank.watched(no_credit):
        bank.processes().watchdog.visit()
    assert measured(reader) == {
        "tidemark.transfers.stuck": 1,
        "tidemark.transfers.oldest": 120.0,
        "tidemark.transfers.resumed": 0,
        "tidemark.holds.expired": 1,
    }


@pytest.mark.parametrize("left_out", [False, True])
def test_a_transfer_that_the_view_cannot_show_is_resumed_all_the_same(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, left_out: bool
) -> None:
    def refusing(view: TransferStatus, change: Change, event: Transfer.Requested) -> None:
        raise ValueError("not this one")

    monkeypatch.setattr(TransferStatus, "requested", refusing)
    bank.request()
    bank.project()
    if left_out:
        stores = Database.open(bank.client, DATABASE)
        drain = dead_letters_of(
            VIEWS["transfer-status"], 1, views=stores.views, history=stores.history, mapper=stores.mapper
        )
        drain.drop("transfer-t1", 1, by="olga", at=bank.clock.now)
    bank.clock.advance(minutes=2)
    assert bank.processes().watchdog.visit().transfers == Resumed(ended=1)
    assert bank.status() is Status.COMPLETED
    bank.check()
