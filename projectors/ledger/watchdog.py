"""Looks after what the consumer could not finish: transfers that are stuck, and holds whose time is over.

    watchdog.visit()        once: a timer of Azure Functions
    watchdog.run(stop)      again and again: a thread beside a worker

Any number of watchdogs may look around at the same time. A transfer is always resumed first. Only when that fails, and
the transfer has grown old enough, it is given up, by recording that its hold or its credit is refused; where the credit
is there already, it stays, and the transfer goes on to its good end.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from projectors.ledger import metrics
from projectors.ledger.hold_expiry import HoldExpiry, Released
from projectors.ledger.transfers.driver import TransferDriver
from projectors.ledger.transfers.open_transfers import OpenTransfer, OpenTransfers
from projectors.processes.errors import cause
from projectors.processes.parallel import each
from projectors.processes.settings import ProcessSettings
from projectors.throughput.pulse import Pulse

_VISIT = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resumed:
    """What became of the transfers that were found stuck.

    `ended`: now at their end; `stuck`: still not; `oldest`: the age of the oldest of these in seconds, 0 if there is
    none; `failures`: why, by transfer. What there was no time for is stuck without a failure.
    """

    ended: int = 0
    stuck: int = 0
    oldest: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    """What one visit came to."""

    transfers: Resumed
    holds: Released

    @property
    def failures(self) -> dict[str, str]:
        """What could not be done, and why: transfers by their ids, holds by account and number."""
        stuck = {f"transfer {name}": why for name, why in self.transfers.failures.items()}
        return stuck | {f"hold {name}": why for name, why in self.holds.failures.items()}


class Watchdog:
    """`clock` gives the time, aware; the ages of transfers are measured by it."""

    def __init__(
        self,
        driver: TransferDriver,
        open_transfers: OpenTransfers,
        expiry: HoldExpiry,
        *,
        clock: Callable[[], datetime],
        settings: ProcessSettings | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._driver = driver
        self._open = open_transfers
        self._expiry = expiry
        self._clock = clock
        self._settings = settings or ProcessSettings()
        self._executor = executor
        self.pulse = Pulse("the watchdog")

    def run(self, stop: threading.Event) -> None:
        """Visits until `stop` is set. A store that is away comes back: it is told to the log and tried again."""
        while not stop.is_set():
            try:
                with self.pulse.working():
                    self.visit(stop=stop)
            except Exception:  # noqa: BLE001 - whatever it is, the next visit looks again
                _log.exception("the watchdog could not look around; trying again in %s s", self._settings.every)
            stop.wait(self._settings.every * random.uniform(0.8, 1.2))  # noqa: S311 - parts several watchdogs

    def visit(self, seconds: float = _VISIT, *, stop: threading.Event | None = None) -> Round:
        """Releases expired holds and resumes stuck transfers; begins no more of these after `seconds`, or on `stop`."""
        holds = self._expiry.release_expired(self._clock())
        older_than = timedelta(seconds=self._settings.resume_after)
        transfers = self.resume_stuck(older_than, seconds=seconds, stop=stop)
        metrics.stuck.set(transfers.stuck)
        metrics.oldest.set(transfers.oldest)
        metrics.resumed.add(transfers.ended)
        metrics.expired.add(holds.holds)
        return Round(transfers, holds)

    def resume_stuck(
        self, older_than: timedelta, *, seconds: float = _VISIT, stop: threading.Event | None = None
    ) -> Resumed:
        """Drives every transfer that has not ended and was requested at least so long ago, the oldest first."""
        now, end = self._clock(), time.monotonic() + seconds
        found = self._open.requested_until(now - older_than)
        ended: set[OpenTransfer] = set()

        def resume(transfer: OpenTransfer) -> None:
            if time.monotonic() < end and not (stop and stop.is_set()):
                self._resume(transfer, now - transfer.requested_at)
                ended.add(transfer)

        failures = each(self._executor, resume, found)
        for transfer, error in failures.items():
            _log.error("transfer %s is stuck: %s", transfer.transfer_id, error, exc_info=cause(error))
        stuck = [transfer for transfer in found if transfer not in ended]
        oldest = (now - stuck[0].requested_at).total_seconds() if stuck else 0.0
        why = {transfer.transfer_id: str(error) for transfer, error in failures.items()}
        return Resumed(len(ended), len(stuck), oldest, why)

    def _resume(self, transfer: OpenTransfer, age: timedelta) -> None:
        try:
            self._driver.drive(transfer.transfer_id)
        except Exception as error:
            if age.total_seconds() < self._settings.give_up_after:
                raise
            _log.warning("transfer %s is given up after %s: %s", transfer.transfer_id, age, error)
            self._driver.drive(transfer.transfer_id, give_up=True)
