"""How fast a view is rebuilt, against the eventsourcing library's own runner with a view in SQLite.

    python -m bench.replay.library [--events 20000] [--accounts 200] [--rounds 5]

Both sides in this process, in turns, on the same number of deposits; rates are the best of the rounds, by processor
time and by wall clock. The library reads from memory and commits one transaction for each event, which is what makes
its projections exactly once; Tidemark reads and writes the local Cosmos DB in process, on disk, and its time is the
whole command: lock, registry, building, comparing with the generation that serves, and switching.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.sqlite import SQLiteTrackingRecorder

from bench.projectors.log import DATABASE, Log
from bench.replay.rebuild import ALONE, Seconds, best, build
from eventstore.cosmos.containers import create_containers
from localazure.cosmos import LocalCosmos
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker

LEAST = 3.0


class Balance(Aggregate):
    @event("Opened")
    def __init__(self) -> None:
        self.balance = 0

    @event("Deposited")
    def deposit(self, amount: int) -> None:
        self.balance += amount


class Bank(Application[UUID]):
    """Filled before the runner starts: it keeps everything in memory."""


class Balances(SQLiteTrackingRecorder):
    def construct_create_table_statements(self) -> list[str]:
        table = "CREATE TABLE IF NOT EXISTS balances (id TEXT PRIMARY KEY, balance INTEGER) WITHOUT ROWID"
        return [*super().construct_create_table_statements(), table]

    def add(self, account: UUID, amount: int, tracking: Tracking) -> None:
        upsert = "INSERT INTO balances VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET balance = balance + ?"
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(upsert, (account.hex, amount, amount))


class BalancesProjection(Projection[Balances]):
    name = "balances"
    last = 0
    done = threading.Event()

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        amount = getattr(domain_event, "amount", 0)
        self.view.add(domain_event.originator_id, amount, tracking)
        if tracking.notification_id >= self.last:
            self.done.set()


class FilledBank(Bank):
    name = "Bank"
    shared: Any = None

    def construct_recorder(self) -> Any:
        return self.shared or super().construct_recorder()


def filled(events: int, accounts: int) -> None:
    """The library's log."""
    bank = FilledBank()
    opened = [Balance() for _ in range(accounts)]
    for number in range(events - accounts):
        opened[number % accounts].deposit(number)
    bank.save(*opened)
    FilledBank.shared, BalancesProjection.last = bank.recorder, bank.recorder.max_notification_id() or 0


def library(database: Path) -> Seconds:
    """From nothing to caught up."""
    BalancesProjection.done.clear()
    environment = {"BALANCES_PERSISTENCE_MODULE": "eventsourcing.sqlite", "BALANCES_SQLITE_DBNAME": str(database)}
    began = Seconds.now()
    with ProjectionRunner(
        application_class=FilledBank, projection_class=BalancesProjection, view_class=Balances, env=environment
    ):
        BalancesProjection.done.wait()
        return Seconds.now().since(began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    filled(arguments.events, arguments.accounts)
    theirs: list[Seconds] = []
    ours: list[Seconds] = []
    with tempfile.TemporaryDirectory() as folder, LocalCosmos(Path(folder) / "cosmos.db") as cosmos:
        client = cosmos.client(no_response_on_write=True, consistency_level="Eventual")
        create_containers(client, DATABASE, VIEWS.indexed)
        log = Log(client.get_database_client(DATABASE).get_container_client("events"), arguments.accounts)
        log.grow(arguments.events - arguments.accounts)
        Worker(client, DATABASE, only=["account-summary"], settings=ALONE, views=VIEWS.values()).run_until_idle(3600)
        for number in range(arguments.rounds):
            theirs.append(library(Path(folder) / f"view{number}.db"))
            ours.append(build(client, "account-summary").whole)
    print("| | events/s of processor time | events/s by the clock |")
    print("|---|---:|---:|")
    rates = []
    for name, found, events in (
        ("eventsourcing, its own runner, view in SQLite", best(theirs), BalancesProjection.last),
        ("Tidemark, rebuild of account-summary, compared and switched", best(ours), log.size),
    ):
        rates.append((events / found.processor, events / found.wall))
        print(f"| {name} | {rates[-1][0]:,.0f} | {rates[-1][1]:,.0f} |")
    processor, wall = (our / their for their, our in zip(*rates, strict=True))
    print(f"\n{processor:.1f} and {wall:.1f} times as fast (at least {LEAST} wanted)")


if __name__ == "__main__":
    main()
