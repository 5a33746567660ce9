"""The relay as a consumer of the feed: it sends every page, and parks a stream that the hub stops."""

import logging
from collections.abc import Iterable
from typing import Any

from eventstore.errors import MalformedDocument
from eventstore.log.documents import Document, RecordedEvent
from projectors import metrics
from projectors.consumer import Handler
from projectors.feed.change_feed import Page
from projectors.leases.lease import Lease
from projectors.relay.errors import NotRelayed
from projectors.relay.parked import ParkedStreams, Waiting
from projectors.relay.publisher import EventHubPublisher
from projectors.relay.send import Sent, Undelivered

RELAY = "relay"
"""The name of the consumer: its leases say how far the hub has the log."""

_log = logging.getLogger(__name__)


class Relay:
    """Publishes every event. An outage of the hub is waited out, and what was acknowledged before it is not sent again.

    Without `parked` a stream that the hub will never take stops its range, with the error that says so.
    """

    name = RELAY

    def __init__(self, publisher: EventHubPublisher, parked: ParkedStreams | None = None) -> None:
        self._publisher = publisher
        self._parked = parked
        self._unfinished: dict[str, tuple[int | None, Sent]] = {}

    def open(self, lease: Lease) -> Handler:
        """A page that failed comes again from the same position; `Sent` says what of it is on the hub already."""
        position, sent = self._unfinished.get(lease.id, (lease.lsn, Sent()))
        if position != lease.lsn:
            sent = Sent()
        self._unfinished[lease.id] = (lease.lsn, sent)
        return _RelayHandler(self._publisher, self._parked, sent)


class _RelayHandler:
    def __init__(self, publisher: EventHubPublisher, parked: ParkedStreams | None, sent: Sent) -> None:
        self._publisher = publisher
        self._parked = parked
        self._sent = sent
        self._waiting: dict[str, Waiting] | None = None
        self._documents: list[Document] = []

    @property
    def due(self) -> bool:
        return bool(self._documents)

    def handle(self, page: Page) -> None:
        self._documents = page.documents

    def flush(self) -> None:
        last = {document["streamId"]: document["version"] for document in self._documents}
        waiting = self._passed_over(last)
        events, unreadable = readable(each for each in self._documents if each["streamId"] not in waiting)
        for stopped in [*self._publisher.publish(events, self._sent), *unreadable]:
            self._park(stopped, last[stopped.stream])
        self._documents = []
        self._sent.forget()

    def _passed_over(self, last: dict[str, int]) -> dict[str, Waiting]:
        """The streams of a page that wait, once all of them are known to wait up to what it has of them."""
        if self._parked is None or not last:
            return {}
        if self._waiting is None:
            self._waiting = self._parked.all()
        for stream in last.keys() & self._waiting.keys():
            still = self._parked.pass_over(self._waiting.pop(stream), last[stream])
            if still is not None:
                self._waiting[stream] = still
        return self._waiting

    def _park(self, stopped: Undelivered, upto: int) -> None:
        error = NotRelayed(stopped.stream, stopped.version, stopped.type, stopped.reason)
        if self._parked is None or self._waiting is None:
            raise error
        self._waiting[stopped.stream] = self._parked.park(stopped, upto)
        metrics.parks.add(1, {"view": RELAY})
        _log.error("%s", error)


def readable(documents: Iterable[dict[str, Any]]) -> tuple[list[RecordedEvent], list[Undelivered]]:
    """The events up to the first one of each stream that is none, and these."""
    events: list[RecordedEvent] = []
    stopped: dict[str, Undelivered] = {}
    for document in documents:
        stream = document["streamId"]
        if stream in stopped:
            continue
        try:
            events.append(RecordedEvent.from_document(document))
        except MalformedDocument as error:
            stopped[stream] = Undelivered(stream, document["version"], str(document["type"]), str(error))
    return events, list(stopped.values())
