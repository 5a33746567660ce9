"""Workers that are killed, put to sleep, throttled and left without answers, over partitions that split, with events
that views refuse for a while and operators who retry them: what is stored in the end is a plain fold of the log.

Seconds and seed come from TIDEMARK_SOAK and TIDEMARK_SEED; `make soak` runs for minutes. The seed fixes what is done
and in which order, not how threads meet.
"""

import itertools
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest
from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient

from domain.errors import Refused
from eventstore.cosmos.containers import create_containers
from eventstore.log.documents import RecordedEvent
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.consumer import PageConsumer
from projectors.database import Database
from projectors.errors import ProjectionError
from projectors.lag import lag_of
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.dead_letters import all_dead_letters, dead_letters_of
from replay.verify import verify
from tests.projectors.broken import Broken
from tests.projectors.cases import DATABASE, Stopped
from tests.projectors.feeding import Ledger, shown_by_the_views, told_by_the_log

SECONDS = float(os.environ.get("TIDEMARK_SOAK", "5"))
SEED = int(os.environ.get("TIDEMARK_SEED", "1"))
LEASE = 0.8
ACCOUNTS = [f"account{number}" for number in range(9)]
MOST_RANGES = 6
BREAKABLE = ("statement", "ledger-totals")


class Arrivals:
    """What a relay would have sent, by stream and in order."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.highest: dict[str, int] = {}
        self.gaps: list[tuple[str, int, int]] = []

    def work(self, events: Sequence[RecordedEvent]) -> None:
        """First arrivals come in the order of versions, without gaps; what came before may come again."""
        with self.lock:
            for event in events:
                highest = self.highest.get(event.stream, 0)
                if event.version > highest + 1:
                    self.gaps.append((event.stream, highest, event.version))
                self.highest[event.stream] = max(highest, event.version)


class Crew:
    """Workers by name. Each has a client of its own, by which the server knows whose request it is."""

    def __init__(self, cosmos: LocalCosmos, arrivals: Arrivals, dice: random.Random) -> None:
        self._cosmos = cosmos
        self._arrivals = arrivals
        self._dice = dice
        self._stop = threading.Event()
        self._dead: set[str] = set()
        self._tired: set[str] = set()
        self._threads: dict[str, threading.Thread] = {}
        self._started = 0
        self.killed = self.slept = 0
        cosmos.faults.on_request(self._strike)

    def start(self) -> None:
        self._started += 1
        name = f"worker-{self._started}."
        client = self._cosmos.client(no_response_on_write=True, retry_throttle_total=1, user_agent_suffix=name)
        settings = WorkerSettings(
            lease=LEASE,
            refresh=0.1,
            idle_min=0.005,
            idle_max=0.05,
            linger=0.02,
            retry_min=0.01,
            retry_max=0.1,
            flush=0.05,
            page=self._dice.choice((1, 3, 20)),
            parallel=self._dice.choice((0, 2)),
        )
        worker = Worker(
            client, DATABASE, [PageConsumer("relay", self._arrivals.work)], settings=settings, views=VIEWS.values()
        )

        def work() -> None:
            with suppress(Stopped):
                worker.run(self._stop)

        self._threads[name] = threading.Thread(target=work, name=name)
        self._threads[name].start()

    def kill(self) -> None:
        """Before or after its next request, whichever that is; another one takes its place."""
        self._dead.add(self._anybody())
        self.killed += 1
        self.start()

    def tire(self) -> None:
        """At its next request a worker sleeps until others have its leases, then goes on."""
        self._tired.add(self._anybody())
        self.slept += 1

    def __enter__(self) -> None:
        for _ in range(3):
            self.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads.values():
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads.values())

    def _anybody(self) -> str:
        return self._dice.choice(sorted(self._threads.keys() - self._dead))

    def _strike(self, info: RequestInfo, phase: str) -> None:
        name = str(info.headers.get("user-agent", "")).rpartition(" ")[2]
        if name in self._dead:
            raise Stopped
        if name in self._tired:
            self._tired.discard(name)
            time.sleep(2 * LEASE)


class Client:
    """Appends commands of every kind, as many as are legal."""

    def __init__(self, ledger: Ledger, dice: random.Random) -> None:
        self._ledger = ledger
        self._dice = dice
        for name in ACCOUNTS:
            ledger.open(name)

    def command(self) -> None:
        name, ledger, dice = self._dice.choice(ACCOUNTS), self._ledger, self._dice
        account = ledger.accounts[name]
        hold = dice.randint(1, 1 + account.holds.placed)
        amount = dice.randint(1, 20)
        kinds: list[Callable[[], None]] = [
            lambda: account.deposit(amount, at=ledger.now()),
            lambda: account.withdraw(amount, at=ledger.now()),
            lambda: account.place_hold(amount, at=ledger.now()),
            lambda: account.capture_hold(hold, amount, at=ledger.now()),
            lambda: account.release_hold(hold, at=ledger.now()),
        ]
        for _ in range(dice.choice((1, 1, 3))):
            with suppress(Refused):
                dice.choice(kinds)()
        if account.pending_events:
            ledger.save(account)


def shuffled(dice: random.Random, blows: Sequence[Callable[[], None]]) -> Iterator[Callable[[], None]]:
    """All of them, over and over, in ever new order."""
    while True:
        yield from dice.sample(blows, len(blows))


def retry_parked(stores: Database) -> None:
    """As an operator would, beside the workers."""
    for view in BREAKABLE:
        drain = dead_letters_of(VIEWS[view], 1, views=stores.views, history=stores.history, mapper=stores.mapper)
        for parked in all_dead_letters(stores.views, view, 1):
            drain.retry(parked.stream)


@contextmanager
def trouble(cosmos: LocalCosmos) -> Iterator[None]:
    for number, place in enumerate(({"container": "views"}, {"container": "leases"}, {"operation": "changefeed"})):
        cosmos.faults.add(status=429, retry_after_ms=3, probability=0.03, seed=SEED + number, **place)
        cosmos.faults.add(status=503, probability=0.004, seed=SEED + 10 + number, **place)
        cosmos.faults.add(reset=True, probability=0.004, seed=SEED + 20 + number, **place)
        cosmos.faults.add(lose_answer=True, timeout=True, probability=0.008, seed=SEED + 30 + number, **place)
    yield
    cosmos.faults.clear()


@pytest.mark.timeout(SECONDS * 4 + 240)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_whatever_happens_to_workers_the_views_are_a_fold_of_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    dice, broken, arrivals = random.Random(SEED), Broken(monkeypatch), Arrivals()
    broken.on = False
    with LocalCosmos(partitions=2) as cosmos:
        client: CosmosClient = cosmos.client(no_response_on_write=True)
        create_containers(client, DATABASE, VIEWS.indexed)
        ledger = Ledger(client.get_database_client(DATABASE).get_container_client("events"))
        stores, customers = Database.open(client, DATABASE), Client(ledger, dice)
        crew = Crew(cosmos, arrivals, dice)

        def split() -> None:
            if len(stores.feed.ranges()) < MOST_RANGES:
                cosmos.split(DATABASE, "events")

        blows = shuffled(dice, [crew.kill, crew.tire, split, broken.turn, lambda: retry_parked(stores)])
        end, due = time.monotonic() + SECONDS, 0.0
        with trouble(cosmos), crew:
            while time.monotonic() < end:
                customers.command()
                if time.monotonic() > due:
                    with suppress(ProjectionError, AzureError):
                        next(blows)()
                    due = time.monotonic() + dice.uniform(0.1, 0.5)
                time.sleep(dice.uniform(0, 0.02))
        broken.on = False
        settle(client, stores, arrivals)
        assert crew.killed > 0
        assert crew.slept > 0
        assert shown_by_the_views(client, DATABASE) == told_by_the_log(ledger)
        for view in VIEWS:
            verified = verify(stores, VIEWS[view], settle=0)
            assert verified.right, (view, verified.different[:5])
            assert verified.parked == []
        assert arrivals.gaps == []
        assert arrivals.highest == {account.id: account.version for account in ledger.accounts.values()}


def settle(client: CosmosClient, stores: Database, arrivals: Arrivals) -> None:
    """One worker alone, long after; then everything that was parked."""
    relay = PageConsumer("relay", arrivals.work)
    calm = WorkerSettings(parallel=0, retry_min=0.001)
    last = Worker(client, DATABASE, [relay], settings=calm, clock=lambda: time.time() + 1_000, views=VIEWS.values())
    assert last.run_until_idle(120).idle
    retry_parked(stores)
    for lag in lag_of(stores, [*(f"{view}@1" for view in VIEWS), "relay"]):
        edges = [part.range.split("-") for part in lag.ranges]
        assert (edges[0][0], edges[-1][1], lag.transactions) == ("00", "FF", 0)
        assert all(one[1] == other[0] for one, other in itertools.pairwise(edges))
