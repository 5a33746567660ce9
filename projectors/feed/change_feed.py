"""The change feed of the events container, read with full control of the position.

A position is an LSN: one per transaction of a physical partition, rising. It is kept without the SDK's continuation
token, which is opaque and carries a range list of its own; the token is built from the position for each read and
taken apart after it. Two of the SDK's habits make that necessary: a token that spans two ranges with one of them
unread cannot be resumed, and a token from a start time cannot either.

The token is base64 of JSON, `azure.cosmos._change_feed.change_feed_state.ChangeFeedStateV2` (azure-cosmos 4.17).
"""

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

import orjson
from azure.cosmos import ContainerProxy

from eventstore.cosmos.queries import read_pages, run_query, unraced
from eventstore.errors import MalformedDocument
from eventstore.log.documents import FIELDS, Document, RecordedEvent, is_event
from projectors.container import Container
from projectors.errors import FeedReplaced
from projectors.feed.continuation import _head, _lsn, continuation
from projectors.feed.ranges import FeedRange
from projectors.throughput.charges import PAGE
from projectors.throughput.meter import Meter

_COUNT = "SELECT VALUE COUNT(1) FROM c"
_in_order = itemgetter("_lsn", "streamId", "version")


@dataclass(frozen=True)
class Page:
    """Whole transactions of one range, in the order of (LSN, stream, version).

    `documents` are the events as they are stored, with `_lsn`: a view needs few fields of each. `lsn` is the position
    after them, None as long as the range never held anything; `size` counts all documents, those that are no events
    too; `full` says that more is there at once; `head` is the range's newest LSN where the answer told it.
    """

    documents: list[Document]
    lsn: int | None
    size: int
    full: bool
    head: int | None

    @cached_property
    def events(self) -> list[RecordedEvent]:
        """The same, read."""
        return [RecordedEvent.from_document(document) for document in self.documents]

    def events_in(self, transactions: int, after: int | None) -> int:
        """About how many events so many transactions hold, if they are like those of this page, read after `after`."""
        covered = (self.lsn or 0) - (after or 0)
        return round(len(self.documents) * transactions / covered) if covered > 0 else 0


@dataclass(frozen=True, slots=True)
class Documents:
    """As `Page`, the documents themselves, none of them looked at, in the order of the feed."""

    documents: list[dict[str, Any]]
    lsn: int | None
    head: int | None

    @property
    def more(self) -> bool:
        """Whether more is there at once. How many came does not tell: a page ends early where a transaction does not
        fit, or at a limit of the store. Where the newest LSN is not told either, only an empty page is the last.
        """
        return bool(self.documents) and (self.head is None or (self.lsn or 0) < self.head)


@dataclass(frozen=True, slots=True)
class Split:
    """The range lies in several physical partitions by now: `ranges`, which together are the range."""

    ranges: tuple[FeedRange, ...]


class Feed:
    """Reads pages of one container's change feed. Safe between threads."""

    def __init__(self, container: ContainerProxy, *, meter: Meter, stop: threading.Event) -> None:
        self._container = container
        self._gateway = Container(container, meter=meter, stop=stop)
        self._meter = meter

    def rid(self) -> str:
        """The container's resource id: another one means another container, whatever its name."""
        return str(self._gateway.send(self._container.read)["_rid"])

    def ranges(self) -> list[FeedRange]:
        """The physical partitions as they are now."""
        found = self._scopes(force_refresh=True)
        return sorted(FeedRange(item["Range"]["min"], item["Range"]["max"]) for item in found)

    def estimate(self) -> int:
        """How many documents the container holds by its own statistics, which may be some minutes old: for progress.

        A store that keeps none is asked to count.
        """
        found = self._gateway.send(lambda: self._container.read(populate_partition_key_range_statistics=True))
        try:
            return sum(part["documentCount"] for part in found["statistics"])
        except KeyError:
            return self.count()

    def count(self) -> int:
        """How many documents the container holds: reads the index from end to end."""
        return sum(self._count(scope) for scope in self._scopes())

    def _count(self, scope: dict[str, Any]) -> int:
        counts: list[Any] = self._gateway.send(
            lambda: run_query(lambda: self._container.query_items(_COUNT, feed_range=scope))
        )
        return sum(counts)

    def _scopes(self, **options: Any) -> list[dict[str, Any]]:
        """The physical partitions in the SDK's form."""
        return self._gateway.send(lambda: unraced(lambda: list(self._container.read_feed_ranges(**options))))

    def read(self, feed_range: FeedRange, lsn: int | None, rid: str, *, limit: int) -> Page | Split:
        """The next page after `lsn` (from the beginning when None), at most about `limit` documents."""
        limit = self._meter.fitting(PAGE, self._container.id, limit)
        page = self.documents(feed_range, lsn, rid, limit=limit)
        if isinstance(page, Split):
            return page
        events = [_whole(document) for document in page.documents if is_event(document)]
        events.sort(key=_in_order)
        return Page(events, page.lsn, len(page.documents), page.more, page.head)

    def documents(self, feed_range: FeedRange, lsn: int | None, rid: str, *, limit: int) -> Documents | Split:
        """As `read`, every document as it is stored.

        A page of more than one physical range is discarded whole and reported as a Split: its parts have positions of
        their own, and one lease keeps one.
        """
        start: dict[str, Any] = (
            {"feed_range": {"Range": feed_range.document()}, "start_time": "Beginning"}
            if lsn is None
            else {"continuation": continuation(feed_range, lsn, rid)}
        )
        documents, headers = self._gateway.send(lambda: unraced(lambda: self._page(start, limit, rid)))
        parts = orjson.loads(base64.b64decode(headers["etag"]))["continuation"]["continuation"]
        ranges = tuple(sorted(FeedRange(part["range"]["min"], part["range"]["max"]) for part in parts))
        if ranges != (feed_range,):
            return Split(tuple(feed_range.clip(part) for part in ranges))
        position = _lsn(parts[0]["token"])
        return Documents(documents, lsn if position is None else position, _head(headers))

    def _page(self, start: Mapping[str, Any], limit: int, rid: str) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
        captured: list[Mapping[str, Any]] = []
        changes = self._container.query_items_change_feed(
            max_item_count=limit,
            **(self._gateway.hooks | {"response_hook": lambda headers, _: captured.append(headers)}),
            **start,
        )
        try:
            documents: list[dict[str, Any]] = next(read_pages(changes), [])
        except ValueError as error:  # the SDK's word for a token of another container
            raise FeedReplaced(self._container.id, rid, self.rid()) from error
        for headers in captured:
            self._meter.charge(headers)
        # Only now: the SDK puts its token into the very headers that it gave to the hook, after giving them.
        return documents, captured[-1]


def _whole(document: Document) -> Document:
    if not document.keys() >= FIELDS:
        missing = ", ".join(sorted(FIELDS - document.keys()))
        raise MalformedDocument(
            f"not an event document: stream {document.get('streamId')!r}, id {document.get('id')!r} has no {missing}"
        )
    return document
