"""Stopping a worker before and after every request that it sends, and waking it up again: nothing lost, nothing twice.

Every case works a generation of its own of the same log, so the cases share nothing but the log.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.cosmos import CosmosClient
from feeding import Ledger, shown_by_the_views, told_by_the_log

from devkit.cosmos import LocalCosmos
from eventstore.containers import create_containers
from projectors.settings import WorkerSettings
from projectors.stores import Stores
from projectors.view_consumer import ViewConsumer
from projectors.views import VIEWS
from projectors.worker import Worker

DATABASE = "tidemark"
LATER = 1_000.0
"""Seconds after which every lease of the first worker has expired."""
PAGES = WorkerSettings(parallel=0, page=5, pending=12, retry_min=0.001)


class Stopped(BaseException):
    """The process is gone: no handler of the product sees this."""


class Case:
    """One log in one account; every run has a generation of its own."""

    def __init__(self, cosmos: LocalCosmos) -> None:
        self.cosmos = cosmos
        self.client: CosmosClient = cosmos.client(no_response_on_write=True)
        create_containers(self.client, DATABASE)
        self.ledger = Ledger(self.client.get_database_client(DATABASE).get_container_client("events"))
        self.generation = 100
        self._write_log()

    def _write_log(self) -> None:
        ledger = self.ledger
        ledger.open("alice")
        ledger.open("bob", asset="JPY/0")
        ledger.deposit("alice", 500)
        ledger.act(
            "alice",
            lambda account: account.place_hold(100, at=ledger.now()),
            lambda account: account.place_hold(50, at=ledger.now()),
            lambda account: account.withdraw(30, at=ledger.now()),
        )
        ledger.deposit("bob", 7)
        ledger.act("alice", lambda account: account.capture_hold(1, 60, at=ledger.now()))
        ledger.act("bob", lambda account: account.place_hold(2, at=ledger.now()))
        ledger.act("alice", lambda account: account.release_hold(2, at=ledger.now()))
        ledger.withdraw("alice", 5)
        ledger.deposit("bob", 11)

    def next_generation(self) -> int:
        self.generation += 1
        return self.generation

    def worker(self, generation: int, *, late: float = 0.0) -> Worker:
        """A worker on all views of accounts; `late` puts its clock forward."""
        stores = Stores.open(self.client, DATABASE)
        names = ("account-summary", "statement", "active-holds", "ledger-totals")
        consumers = [
            ViewConsumer(VIEWS[name], generation, views=stores.views, history=stores.history, mapper=stores.mapper)
            for name in names
        ]
        return Worker(self.client, DATABASE, consumers, views=(), settings=PAGES, clock=lambda: time.time() + late)

    def check(self, generation: int) -> None:
        """Every view shows what the log tells."""
        assert shown_by_the_views(self.client, DATABASE, generation) == told_by_the_log(self.ledger)

    def requests(self) -> int:
        """How many requests an undisturbed run sends."""
        count = 0

        def counting(_: Any, phase: str) -> None:
            nonlocal count
            count += phase == "before"

        with self.watched(counting):
            assert self.worker(self.next_generation()).run_until_idle(30).idle
        return count

    def watched(self, callback: Callable[[Any, str], None]) -> "_Watch":
        return _Watch(self.cosmos, callback)


class _Watch:
    def __init__(self, cosmos: LocalCosmos, callback: Callable[[Any, str], None]) -> None:
        self._cosmos, self._callback = cosmos, callback

    def __enter__(self) -> None:
        self._remove = self._cosmos.faults.on_request(self._callback)

    def __exit__(self, *_: object) -> None:
        self._remove()


@pytest.fixture(params=[1, 2], ids=["one partition", "two partitions"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with LocalCosmos(partitions=request.param) as cosmos:
        yield Case(cosmos)


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_worker_killed_at_any_request_is_replaced_without_loss(case: Case, phase: str) -> None:
    total = case.requests()
    assert total > 40
    for fatal in range(1, total + 1):
        generation = case.next_generation()
        seen = 0

        def stop(_: Any, at: str, fatal: int = fatal) -> None:
            nonlocal seen
            seen += at == phase
            if seen >= fatal:
                raise Stopped

        with case.watched(stop), pytest.raises(Stopped):
            case.worker(generation).run_until_idle(30)
        assert case.worker(generation, late=LATER).run_until_idle(30).idle
        case.check(generation)


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_worker_paused_at_any_request_does_no_harm_when_it_wakes(case: Case, phase: str) -> None:
    total = case.requests()
    for pause in range(1, total + 1):
        generation = case.next_generation()
        seen = 0
        asleep = False

        def sleep(_: Any, at: str, pause: int = pause, generation: int = generation) -> None:
            nonlocal seen, asleep
            seen += at == phase and not asleep
            if seen == pause and not asleep:
                asleep = True
                assert case.worker(generation, late=LATER).run_until_idle(30).idle

        with case.watched(sleep):
            case.worker(generation).run_until_idle(30)
        assert case.worker(generation, late=2 * LATER).run_until_idle(30).idle
        case.check(generation)


def test_an_answer_lost_after_any_request_changes_nothing(case: Case) -> None:
    total = case.requests()
    for lost in range(total):
        generation = case.next_generation()
        fault = case.cosmos.faults.add(lose_answer=True, timeout=True, skip=lost, count=1)
        case.worker(generation).run_until_idle(30)
        assert fault.fired == 1
        assert case.worker(generation, late=LATER).run_until_idle(30).idle
        case.check(generation)
        case.cosmos.faults.clear()
