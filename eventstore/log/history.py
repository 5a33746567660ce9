"""Reading the log: one stream forwards or backwards, its outcomes, all streams. Memory does not grow with a stream."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final

from azure.core.paging import ItemPaged
from azure.cosmos import ContainerProxy

from eventstore.cosmos.queries import consistency, query_page, run_query
from eventstore.log.chain import genesis
from eventstore.log.documents import MAX_VERSION, Document, RecordedEvent, event_id
from eventstore.log.outcomes import CLAIMED, RecordedOutcome
from eventstore.log.verification import Verification, verify

PAGE: Final = 500
"""Documents per request; Cosmos DB cuts a page earlier when it reaches 4 MB."""

_FORWARD: Final = "SELECT * FROM c WHERE c.id > @low AND c.id < @high ORDER BY c.id ASC"
_BACKWARD: Final = "SELECT * FROM c WHERE c.id > @low AND c.id < @high ORDER BY c.id DESC"
_FIRST: Final = "SELECT c.streamId, c.prev FROM c WHERE c.id = @zero OR c.id = @one"

_BEFORE_OUTCOMES: Final = "-"
_BEFORE_EVENTS: Final = "."
_AFTER_EVENTS: Final = ":"
_AFTER_ALL: Final = "\U0010ffff"
"""Bounds, exclusive: an outcome's id is "-" and more, an event's is ten digits."""


class History:
    """The events of a container, as they were recorded."""

    def __init__(self, events: ContainerProxy, *, page: int | None = None) -> None:
        """`page` documents at most per request, `PAGE` unless given."""
        self._events = events
        self._page_size = page

    @property
    def _size(self) -> int:
        return self._page_size or PAGE

    def stream(
        self,
        stream: str,
        *,
        after: int | None = None,
        upto: int | None = None,
        until: datetime | None = None,
        descending: bool = False,
        limit: int | None = None,
        session: str | None = None,
    ) -> Iterator[RecordedEvent]:
        """The events of one stream in the order of their versions, `descending` in reverse.

        Args:
            after: only versions greater than this.
            upto: only versions up to and including this.
            until: only what was recorded up to this moment (aware). The clocks of several writers may differ a little:
                the events end before the first one, in the given order of reading, that was recorded later.
            limit: at most so many events.
            session: the session token of something that must be seen, as a command's position has it.
        """
        documents = self.documents(stream, after=after, upto=upto, descending=descending, session=session)
        events = (RecordedEvent.from_document(document) for document in documents)
        return islice(_recorded_until(events, until, descending=descending), limit)

    def documents(
        self,
        stream: str,
        *,
        after: int | None = None,
        upto: int | None = None,
        descending: bool = False,
        session: str | None = None,
    ) -> Iterator[Document]:
        """As `stream`, the documents themselves with every byte that was hashed."""
        low = _BEFORE_EVENTS if after is None or after < 0 else event_id(after)
        high = _AFTER_EVENTS if upto is None or upto >= MAX_VERSION else event_id(upto + 1)
        return self._query(stream, low, high, descending=descending, session=session)

    def outcomes(self, stream: str, *, session: str | None = None) -> Iterator[RecordedOutcome]:
        """The commands on this stream that had no events, in no particular order: refused, or nothing to do."""
        found = self._query(stream, _BEFORE_OUTCOMES, _BEFORE_EVENTS, session=session)
        return (RecordedOutcome.from_document(document) for document in found if document["type"] != CLAIMED)

    def streams(self) -> Iterator[str]:
        """The names of all streams that have events, each once, in the order in which the partitions lie.

        A stream is found by its first event, whose version is 0 or 1.
        """
        token: str | None = None
        while True:
            rows, token = query_page(self._first_events, token)
            yield from (row["streamId"] for row in rows if row["prev"] == genesis(row["streamId"]))
            if token is None:
                return

    def _first_events(self, hook: Callable[[Mapping[str, Any], Any], None]) -> ItemPaged[Document]:
        return self._events.query_items(
            _FIRST,
            parameters=[{"name": "@zero", "value": event_id(0)}, {"name": "@one", "value": event_id(1)}],
            enable_cross_partition_query=True,
            max_item_count=self._size,
            response_hook=hook,
        )

    def verify(self, stream: str, *, head: tuple[int, str] | None = None) -> Verification:
        """Recompute the hash chain of a stream. `head` is a version and its hash that were kept elsewhere.

        Without it, a stream whose last events were removed, or that was rewritten as a whole, verifies.
        """
        return verify(stream, self._query(stream, "", _AFTER_ALL), head=head)

    def partition(self, stream: str, *, after: int | None = None) -> Iterator[list[Document]]:
        """Everything of a stream in pages, in the order of ids: outcomes, then events; `after` a version, events only.

        A page holds up to 500 documents, whatever they hold: none of them is looked at.
        """
        return self._pages(stream, "" if after is None else event_id(after), _AFTER_ALL)

    def _query(
        self, stream: str, low: str, high: str, *, descending: bool = False, session: str | None = None
    ) -> Iterator[Document]:
        for page in self._pages(stream, low, high, descending=descending, session=session):
            yield from page

    def _pages(
        self, stream: str, low: str, high: str, *, descending: bool = False, session: str | None = None
    ) -> Iterator[list[Document]]:
        """Each page is a query of its own that goes on from the last id."""
        while page := run_query(partial(self._page, stream, low, high, descending, session), limit=self._size):
            yield page
            if len(page) < self._size:
                return
            if descending:
                high = page[-1]["id"]
            else:
                low = page[-1]["id"]

    def _page(self, stream: str, low: str, high: str, descending: bool, session: str | None) -> ItemPaged[Document]:
        return self._events.query_items(
            _BACKWARD if descending else _FORWARD,
            parameters=[{"name": "@low", "value": low}, {"name": "@high", "value": high}],
            partition_key=stream,
            max_item_count=self._size,
            feed_options={} if session is None else consistency(session),
        )


def _recorded_until(
    events: Iterator[RecordedEvent], until: datetime | None, *, descending: bool
) -> Iterator[RecordedEvent]:
    if until is None:
        yield from events
        return
    for event in events:
        if datetime.fromisoformat(event.recorded_at) <= until:
            yield event
            if descending:
                yield from events
        elif not descending:
            return
