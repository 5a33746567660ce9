"""A bank in a local Cosmos DB: commands through the real store, processes that come and go, the log to look at."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.ledger import Account, Refused, Snapshot, Transfer, account_stream, fold, transfer_stream
from domain.ledger.transfer import Status
from eventstore.commands.store import Command, CommandStore, Outcome
from eventstore.cosmos.containers import create_containers
from eventstore.log.documents import RecordedEvent, is_event
from eventstore.log.mapper import Mapper
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.ledger import VIEWS
from projectors.ledger.processes import LedgerProcesses, ProcessSettings
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.view import View
from tests.ledger.domain.invariants import check
from tests.ledger.domain.ledger import Ledger

DATABASE = "tidemark"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = 1_000.0
"""Seconds after which the leases of a process that died have expired."""
WRITES = frozenset({"create", "replace", "delete", "batch"})
OWN = WRITES | {"read", "query", "changefeed"}
"""What a process sends for itself; the SDK's own requests (partition maps, account) are not counted."""
STUCK = (VIEWS["transfer-status"], VIEWS["active-holds"])
"""The views that the watchdog reads."""


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class Bank:
    def __init__(self, cosmos: LocalCosmos, mapper: Mapper[str] | None = None) -> None:
        self.mapper = mapper or Mapper()
        self.cosmos = cosmos
        self.client = cosmos.client(no_response_on_write=True)
        create_containers(self.client, DATABASE, VIEWS.indexed)
        self.clock = Clock()
        self.store = self.new_store()
        self._keys = itertools.count()

    # What clients do

    def new_store(self) -> CommandStore:
        database = self.client.get_database_client(DATABASE)
        return CommandStore(database, mapper=self.mapper, fold=fold, refusals=Refused, snapshot_class=Snapshot)

    def execute(self, stream: str, decide: Callable[[Any], Any], **metadata: str) -> Outcome:
        key = f"client-{next(self._keys)}"
        outcome = self.store.execute(stream, Command(key, key, metadata), decide)
        assert outcome.refusal is None, outcome.refusal
        return outcome

    def open(self, name: str, balance: int = 0, asset: str = "EUR/2") -> None:
        self.execute(
            account_stream(name), lambda _: Account.open(name, asset=asset, owner="subject", at=self.clock.now)
        )
        if balance:
            self.act(name, lambda account: account.deposit(balance, at=self.clock.now))

    def act(self, name: str, command: Callable[[Account], None]) -> Outcome:
        def decide(account: Account) -> Account:
            command(account)
            return account

        return self.execute(account_stream(name), decide)

    def request(
        self,
        transfer_id: str = "t1",
        *,
        source: str = "alice",
        target: str = "bob",
        amount: int = 500,
        metadata: dict[str, str] | None = None,
        **more: str,
    ) -> Outcome:
        movement = {"source": source, "target": target, "amount": amount, "asset": "EUR/2", **more}
        return self.execute(
            transfer_stream(transfer_id),
            lambda _: Transfer.request(transfer_id, at=self.clock.now, **movement),
            **(metadata or {}),
        )

    # Who drives

    def processes(self, **settings: Any) -> LedgerProcesses:
        """Those of a new process of the machine: a store of its own, nothing in its cache; one thread."""
        chosen = ProcessSettings(**{"parallel": 0, "resume_after": 60.0, **settings})
        return LedgerProcesses.open(
            self.client, DATABASE, self.new_store(), clock=self.clock, mapper=self.mapper, settings=chosen
        )

    def worker(
        self, processes: LedgerProcesses | None = None, *, late: float = 0.0, views: tuple[View, ...] = ()
    ) -> Worker:
        """A worker on transfers, in a new process unless given; `late` puts the clock of its leases forward."""
        consumer = (processes or self.processes()).consumer
        settings = WorkerSettings(parallel=0, retry_min=0.001, retry_max=0.01)
        return Worker(
            self.client, DATABASE, [consumer], views=views, settings=settings, clock=lambda: time.time() + late
        )

    def settle(self, *, late: float = 0.0, views: tuple[View, ...] = ()) -> None:
        """A process that is not disturbed does all that is left to do."""
        visit = self.worker(late=late, views=views).run_until_idle(30)
        assert visit.idle, visit

    def project(self) -> None:
        """The watchdog's views reach the log's end; nobody drives a transfer."""
        settings = WorkerSettings(parallel=0)
        assert Worker(self.client, DATABASE, views=STUCK, settings=settings).run_until_idle(30).idle

    # What can be seen

    def log(self) -> list[RecordedEvent]:
        """All events in the order in which they were recorded."""
        container = self.client.get_database_client(DATABASE).get_container_client("events")
        documents = container.query_items_change_feed(start_time="Beginning")
        events = [RecordedEvent.from_document(document) for document in documents if is_event(document)]
        return sorted(events, key=lambda event: (event.lsn or 0, event.version))

    def told(self) -> list[str]:
        """What became of the money, in words, after the accounts were set up."""
        return [f"{event.stream} {event.type.partition('.')[2]}" for event in self.log()]

    def account(self, name: str) -> tuple[int, int]:
        account = self.new_store().load(account_stream(name))
        return account.balance, account.held

    def transfer(self, transfer_id: str = "t1") -> Transfer:
        transfer: Transfer = self.new_store().load(transfer_stream(transfer_id))
        return transfer

    def failure(self, transfer_id: str = "t1") -> tuple[str, str]:
        failed = [event for event in self.log() if event.stream == transfer_stream(transfer_id)][-1]
        event = self.mapper.domain_event(failed)
        assert isinstance(event, Transfer.Failed)
        return event.step, event.code

    def check(self) -> None:
        """At every instant nothing was lost or made, no hold ended twice; and by now every transfer has ended, once."""
        ledger = Ledger()
        for recorded in self.log():
            ledger.streams.setdefault(recorded.stream, []).append(self.mapper.domain_event(recorded))
            check(ledger)
        requested = len(ledger.events(Transfer.Requested))
        ended = [event.originator_id for kind in (Transfer.Completed, Transfer.Failed) for event in ledger.events(kind)]
        assert len(ended) == len(set(ended)) == requested

    def status(self, transfer_id: str = "t1") -> Status:
        return self.transfer(transfer_id).status

    def wait_until_ended(self, transfers: int, seconds: float = 20.0) -> None:
        """Until so many transfers have ended."""
        end = time.monotonic() + seconds
        while sum(line.endswith((" completed", " failed")) for line in self.told()) < transfers:
            assert time.monotonic() < end, "not all transfers have ended in time"
            time.sleep(0.02)

    # What goes wrong

    @contextmanager
    def watched(self, callback: Callable[[RequestInfo, str], None]) -> Iterator[None]:
        remove = self.cosmos.faults.on_request(callback)
        try:
            yield
        finally:
            remove()

    def other_hands_release_the_hold_of(self, transfer_id: str) -> Callable[[RequestInfo, str], None]:
        """Breaks the rule that nobody does, after the credit: only somebody who writes to the store himself can."""
        done = False

        def callback(info: RequestInfo, phase: str) -> None:
            nonlocal done
            credited = b"account.funds-credited" in info.body and transfer_id.encode() in info.body
            if phase == "after" and credited and not done:
                done = True
                self.act("alice", lambda account: account.release_hold(1, transfer_id=transfer_id, at=self.clock.now))

        return callback
