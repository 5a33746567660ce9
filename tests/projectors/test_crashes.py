"""Stopping a worker at every request that it sends, and waking it up again: nothing lost, nothing twice.

To die after one request is to die before the next, so a kill before each request, and after the last, is all there is.
A pause is after each answer was made and before it is known: then what the worker has read is as old as can be.

Every case works a generation of its own of the same log, so the cases share nothing but the log. Requests that the SDK
sends for itself (partition maps, account) are not counted.
"""

import time
from collections.abc import Callable, Iterator

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.cosmos import CosmosClient
from feeding import Ledger, shown_by_the_views, told_by_the_log

from devkit.cosmos import LocalCosmos, RequestInfo
from devkit.cosmos.message import Request
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


WRITES = frozenset(("create", "replace", "delete", "batch"))
OWN = WRITES | {"read", "query", "changefeed"}


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

    def requests(self, kinds: frozenset[str] = OWN) -> int:
        """How many requests an undisturbed run sends."""
        count = 0

        def counting(info: RequestInfo, phase: str) -> None:
            nonlocal count
            count += phase == "before" and info.operation in kinds

        with self.watched(counting):
            assert self.worker(self.next_generation()).run_until_idle(30).idle
        return count

    def watched(self, callback: Callable[[RequestInfo, str], None]) -> "_Watch":
        return _Watch(self.cosmos, callback)


class _Watch:
    def __init__(self, cosmos: LocalCosmos, callback: Callable[[RequestInfo, str], None]) -> None:
        self._cosmos, self._callback = cosmos, callback

    def __enter__(self) -> None:
        self._remove = self._cosmos.faults.on_request(self._callback)

    def __exit__(self, *_: object) -> None:
        self._remove()


@pytest.fixture
def case() -> Iterator[Case]:
    with LocalCosmos() as cosmos:
        yield Case(cosmos)


def test_a_worker_killed_at_any_request_is_replaced_without_loss(case: Case) -> None:
    total = case.requests()
    assert total > 30
    for fatal in range(1, total + 1):
        generation = case.next_generation()
        seen = 0

        def stop(info: RequestInfo, phase: str, fatal: int = fatal) -> None:
            nonlocal seen
            seen += phase == "before" and info.operation in OWN
            if seen >= fatal:
                raise Stopped

        with case.watched(stop), pytest.raises(Stopped):
            case.worker(generation).run_until_idle(30)
        assert case.worker(generation, late=LATER).run_until_idle(30).idle
        case.check(generation)


def test_a_worker_paused_at_any_request_does_no_harm_when_it_wakes(case: Case) -> None:
    total = case.requests()
    for pause in range(1, total + 1):
        generation = case.next_generation()
        seen = 0

        def sleep(info: RequestInfo, phase: str, pause: int = pause, generation: int = generation) -> None:
            nonlocal seen
            seen += phase == "after" and info.operation in OWN
            if seen == pause:
                seen = total + 1  # once; what follows is the others' work, or the late rest of this worker's
                assert case.worker(generation, late=LATER).run_until_idle(30).idle

        with case.watched(sleep):
            case.worker(generation).run_until_idle(30)
        assert seen > total
        assert case.worker(generation, late=2 * LATER).run_until_idle(30).idle
        case.check(generation)


def test_a_write_that_lands_late_changes_nothing(case: Case) -> None:
    """The client sees a time-out and goes on; the request arrives while its next one is on its way."""
    total = case.requests(WRITES)
    for late in range(1, total + 1):
        generation = case.next_generation()
        writes = 0
        underway: list[Request] = []

        def delay(info: RequestInfo, phase: str, late: int = late, underway: list[Request] = underway) -> None:
            nonlocal writes
            if phase == "after" or info.operation not in OWN:
                return
            if underway:
                case.cosmos.exchange(underway.pop())
            if info.operation in WRITES:
                writes += 1
                if writes == late:
                    underway.append(Request(info.method, info.path, dict(info.headers), info.body))
                    raise ServiceResponseError("no answer in time")

        with case.watched(delay):
            case.worker(generation).run_until_idle(30)
        assert writes >= late
        for request in underway:
            case.cosmos.exchange(request)
        assert case.worker(generation, late=LATER).run_until_idle(30).idle
        case.check(generation)


def test_an_answer_lost_after_any_write_changes_nothing(case: Case) -> None:
    total = case.requests(WRITES)
    for lost in range(total):
        generation = case.next_generation()
        writes = 0

        def lose(info: RequestInfo, phase: str, lost: int = lost) -> None:
            nonlocal writes
            if phase == "after" and info.operation in WRITES:
                writes += 1
                if writes == lost + 1:
                    raise ServiceResponseError("the answer was lost")

        with case.watched(lose):
            case.worker(generation).run_until_idle(30)
        assert writes > lost
        assert case.worker(generation, late=LATER).run_until_idle(30).idle
        case.check(generation)
