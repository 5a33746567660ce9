"""The consumer "transfers": what was requested is done."""

import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final

from domain.ledger.transfer import Transfer, transfer_stream
from eventstore.log.documents import RecordedEvent
from projectors.consumer import PageConsumer
from projectors.ledger.transfers.driver import TransferDriver
from projectors.processes.errors import PASSING
from projectors.processes.parallel import each

TRANSFERS: Final = "transfers"
"""The name of the consumer: its leases say up to where every transfer was driven to its end."""

_ENDS: Final = frozenset({Transfer.Completed.TOPIC, Transfer.Failed.TOPIC})

_log = logging.getLogger(__name__)


def transfers(driver: TransferDriver, executor: Executor | None) -> PageConsumer:
    """The consumer that drives every transfer as soon as it is requested, several at a time."""
    return PageConsumer(TRANSFERS, TransferPages(driver, executor).work)


class TransferPages:
    """Takes pages of the change feed. Events are hints: the request says that there is a transfer, nothing else.

    The events of a transfer's own steps are not needed as hints. The page with the request is not done before the
    transfer has ended, so it comes again, here or elsewhere, for as long as a step may be missing; and to start from
    those events too would be to run every transfer several times over.
    """

    def __init__(self, driver: TransferDriver, executor: Executor | None) -> None:
        self._driver = driver
        self._executor = executor

    def work(self, events: Sequence[RecordedEvent]) -> None:
        """Returns once every transfer of the page has ended; raises, to have the page again, when the store is away.

        What fails in another way would fail again. It is left to the watchdog, so that it holds up no other transfer.
        """
        failures = each(self._executor, self._driver.drive, _open(events))
        passing = [error for error in failures.values() if isinstance(error, PASSING)]
        for transfer_id, error in failures.items():
            if error not in passing:
                _log.error("transfer %s is left to the watchdog: %s", transfer_id, error, exc_info=error)
        if passing:
            raise passing[0]


def _open(events: Sequence[RecordedEvent]) -> list[str]:
    """The transfers that are requested in a page and do not end in it as well."""
    ended = {event.stream for event in events if event.type in _ENDS}
    requested = (event.stream for event in events if event.type == Transfer.Requested.TOPIC)
    return [stream.removeprefix(transfer_stream("")) for stream in requested if stream not in ended]
