"""A consumer: a name with positions of its own, and something to do with each page.

Every generation of every view is one, the relay and the transfer process are others. One that fails holds up nobody
else. What it does must be safe to do again: after a crash the pages since the last checkpoint come once more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from eventstore.log.documents import RecordedEvent
from projectors.feed.change_feed import Page
from projectors.leases.lease import Lease


class Handler(Protocol):
    """What works on one range, for as long as its lease is held."""

    @property
    def due(self) -> bool:
        """Whether what is handled must be flushed before more is read."""

    def handle(self, page: Page) -> None:
        """Takes a page: whole transactions, in order within every stream."""

    def flush(self) -> None:
        """Returns once everything handled has had its effect. The position is written after that, never before."""


class Consumer(Protocol):
    """Opens a handler for each range that a worker comes to hold."""

    @property
    def name(self) -> str:
        """Names its leases; two consumers of one name would share positions."""

    def open(self, lease: Lease) -> Handler:
        """A new handler: nothing is known of what an earlier one did, except through the store."""


@dataclass(frozen=True, slots=True)
class PageConsumer:
    """A consumer that does its work page by page, e.g. a relay: `work` raises to have the page again later."""

    name: str
    work: Callable[[Sequence[RecordedEvent]], None]

    def open(self, lease: Lease) -> Handler:  # noqa: ARG002 - the work is the same for every range
        return _PageHandler(self.work)


class _PageHandler:
    def __init__(self, work: Callable[[Sequence[RecordedEvent]], None]) -> None:
        self._work = work
        self._events: Sequence[RecordedEvent] = ()

    @property
    def due(self) -> bool:
        return bool(self._events)

    def handle(self, page: Page) -> None:
        self._events = page.events

    def flush(self) -> None:
        self._work(self._events)
        self._events = ()
