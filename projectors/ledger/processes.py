"""The ledger's processes: transfers, and the release of expired holds.

    processes = LedgerProcesses.open(client, "tidemark", store, clock=utc_now)
    Worker(client, "tidemark", [processes.consumer])      drives each transfer as soon as it is requested
    processes.watchdog.run(stop)                          finishes what got stuck, releases expired holds

What a step does is the domain's (`domain.ledger.transfer_process`, `domain.ledger.hold_expiry`); that each takes
effect once is the event store's. This package only asks, again and again: what is next?
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from azure.cosmos import CosmosClient

from eventstore.commands.store import CommandStore
from eventstore.cosmos.containers import EVENTS
from eventstore.environment import load
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.consumer import PageConsumer
from projectors.database import Database
from projectors.ledger.hold_expiry import HoldExpiry, Released
from projectors.ledger.transfers.consumer import TRANSFERS, transfers
from projectors.ledger.transfers.driver import TransferDriver
from projectors.ledger.transfers.open_transfers import OpenTransfer, OpenTransfers
from projectors.ledger.views.active_holds import ActiveHolds
from projectors.ledger.watchdog import Resumed, Round, Watchdog
from projectors.processes.processes import Processes
from projectors.processes.settings import ProcessSettings
from projectors.views.catalog import Views
from projectors.views.reader import ViewReader

__all__ = [
    "TRANSFERS",
    "LedgerProcesses",
    "OpenTransfer",
    "OpenTransfers",
    "ProcessSettings",
    "Released",
    "Resumed",
    "Round",
    "TransferDriver",
    "Watchdog",
]


@dataclass(frozen=True, slots=True)
class LedgerProcesses:
    """One driver per process of the machine, shared by the consumer and the watchdog."""

    driver: TransferDriver
    consumer: PageConsumer
    watchdog: Watchdog

    @classmethod
    def open(
        cls,
        client: CosmosClient,
        database: str,
        store: CommandStore,
        *,
        clock: Callable[[], datetime],
        mapper: Mapper[str] | None = None,
        settings: ProcessSettings | None = None,
    ) -> Self:
        """Sends nothing. `mapper` is the one that `store` has: what one writes the other must read.

        Where the API runs in the same process, share its `store`: its cache spares requests.
        """
        settings = settings or ProcessSettings()
        executor = ThreadPoolExecutor(settings.parallel, "processes") if settings.parallel else None
        history = History(client.get_database_client(database).get_container_client(EVENTS.name))
        driver = TransferDriver(store, history, clock=clock, mapper=mapper)
        watchdog = Watchdog(
            driver,
            OpenTransfers(Database.open(client, database)),
            HoldExpiry(ViewReader(client, database, Views(ActiveHolds()), stop=threading.Event()), store, executor),
            clock=clock,
            settings=settings,
            executor=executor,
        )
        return cls(driver, transfers(driver, executor), watchdog)


def processes(client: CosmosClient, database: str, store: CommandStore, *, clock: Callable[[], datetime]) -> Processes:
    """The ledger's processes, with settings from the environment."""
    opened = LedgerProcesses.open(client, database, store, clock=clock, settings=load(ProcessSettings))
    return Processes([opened.consumer], opened.watchdog)
