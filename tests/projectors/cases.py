"""One log, and runs of the worker over it that are disturbed at one request each."""

import time
from collections.abc import Callable, Sequence

from azure.cosmos import CosmosClient

from eventstore.cosmos.containers import create_containers
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.consumer import ViewConsumer
from tests.projectors.feeding import Ledger, shown_by_the_views, told_by_the_log

DATABASE = "tidemark"
LATER = 1_000.0
"""Seconds after which every lease of the first worker has expired."""
PAGES = WorkerSettings(parallel=0, page=5, pending=1, retry_min=0.001)
"""Every page of a view of streams is written by itself: a successor begins between pages, not always at the first."""
WRITES = frozenset(("create", "replace", "delete", "batch"))
OWN = WRITES | {"read", "query", "changefeed"}


SHOWS = {
    "account-summary": "balances",
    "statement": "statements",
    "active-holds": "holds",
    "ledger-totals": "totals",
}
"""Where the facts have what a view shows."""


class Stopped(BaseException):
    """The process is gone: no handler of the product sees this."""


class Case:
    """One log in one account; every run has a generation of its own."""

    def __init__(self, cosmos: LocalCosmos, views: Sequence[str], *, settings: WorkerSettings = PAGES) -> None:
        self.cosmos = cosmos
        self.client: CosmosClient = cosmos.client(no_response_on_write=True)
        create_containers(self.client, DATABASE, VIEWS.indexed)
        self.ledger = Ledger(self.client.get_database_client(DATABASE).get_container_client("events"))
        self.generation = 100
        self._views = views
        self._settings = settings

    def write_log(self) -> None:
        """Two accounts, every kind of event that views look at."""
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
        """A worker on the views; `late` puts its clock forward."""
        stores = Database.open(self.client, DATABASE)
        consumers = [
            ViewConsumer(
                VIEWS[name],
                generation,
                views=stores.views,
                history=stores.history,
                mapper=stores.mapper,
                max_pending=self._settings.pending,
            )
            for name in self._views
        ]
        return Worker(
            self.client, DATABASE, consumers, views=(), settings=self._settings, clock=lambda: time.time() + late
        )

    def check(self, generation: int) -> None:
        """Every view shows what the log tells."""
        told = told_by_the_log(self.ledger)
        shown = shown_by_the_views(self.client, DATABASE, generation, self._views)
        for view in self._views:
            assert getattr(shown, SHOWS[view]) == getattr(told, SHOWS[view]), view

    def requests(self, kinds: frozenset[str] = OWN, *, generation: int | None = None) -> int:
        """How many requests an undisturbed run of a generation sends, a new one unless given."""
        count = 0

        def counting(info: RequestInfo, phase: str) -> None:
            nonlocal count
            count += phase == "before" and info.operation in kinds

        with self.watched(counting):
            assert self.worker(generation or self.next_generation()).run_until_idle(30).idle
        return count

    def watched(self, callback: Callable[[RequestInfo, str], None]) -> "_Watch":
        return _Watch(self.cosmos, callback)


def stopping_at(fatal: int) -> Callable[[RequestInfo, str], None]:
    """Ends the process before its request of this number is sent, and every time it tries to go on."""
    seen = 0

    def stop(info: RequestInfo, phase: str) -> None:
        nonlocal seen
        if info.operation in OWN:  # not what the SDK sends for itself, in a thread of its own
            seen += phase == "before"
            if seen >= fatal:
                raise Stopped

    return stop


class _Watch:
    def __init__(self, cosmos: LocalCosmos, callback: Callable[[RequestInfo, str], None]) -> None:
        self._cosmos, self._callback = cosmos, callback

    def __enter__(self) -> None:
        self._remove = self._cosmos.faults.on_request(self._callback)

    def __exit__(self, *_: object) -> None:
        self._remove()
