"""The contents of views over many streams: as they are stored, and as a plain fold of the log has them.

Ranges are at different positions at any moment, so the fold takes each range of the feed exactly as far as the guard
of its part says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from projectors.container import Document
from projectors.database import Stores
from projectors.errors import Unavailable
from projectors.feed.change_feed import Page
from projectors.feed.ranges import FeedRange
from projectors.generations.generation import GUARD_PREFIX, partition_key
from projectors.views.sums.checkpoint import Partial
from projectors.views.sums.projector import add_event
from projectors.views.sums.view import BUCKET, SumView, plus
from replay.contents.hashing import Contents, hash_of

_TRIES = 50
_PAGE = 1000
_DIGITS = 32
"""Of an effective partition key; bounds leave off trailing zeros."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All parts and the sums in them, by key, as they were at one moment."""

    partials: list[Partial]
    sums: dict[str, dict[str, int]]

    @property
    def position(self) -> int:
        return sum(partial.lsn for partial in self.partials)

    def contents(self) -> Iterator[Contents]:
        for key, sums in self.sums.items():
            yield _contents(key, sums, self.position)


class SumContents:
    """One generation of one view over many streams, beside its log, both as of one moment."""

    def __init__(self, stores: Stores, view: SumView, generation: int) -> None:
        self._stores = stores
        self._view = view
        self._partition = partition_key(view.name, generation, BUCKET)

    @cached_property
    def snapshot(self) -> Snapshot:
        """Read twice, and again while anything changes between: a query may come in several pages."""
        for _ in range(_TRIES):
            before, after = self._rows(), self._rows()
            if before == after:
                return _snapshot(before)
        raise Unavailable(f"{self._view.name}: changes too fast to be read as of one moment; try again")

    def all(self) -> Iterator[Contents]:
        return self.snapshot.contents()

    @cached_property
    def expected(self) -> dict[str, Contents]:
        """A plain fold of the log to where the snapshot is."""
        sums: dict[str, dict[str, int]] = {}
        for document in self._events():
            for key, amounts in add_event(self._view, self._stores.mapper, document).by_key.items():
                sums[key] = plus(sums.get(key, {}), amounts)
        return {key: _contents(key, found, self.snapshot.position) for key, found in sums.items()}

    def right(self, key: str) -> bool:
        """Whether the sums of the key are what the log says."""
        stored = self.snapshot.sums.get(key)
        expected = self.expected.get(key)
        return (hash_of(stored) if stored else b"") == (expected.hash if expected else b"")

    @property
    def parked(self) -> set[str]:
        return {stream for partial in self.snapshot.partials for stream in partial.late}

    def _events(self) -> Iterator[Document]:
        rid = self._stores.feed.rid()
        for feed_range in self._stores.feed.ranges():
            parts = [part for part in self.snapshot.partials if FeedRange.from_id(part.lease).covers(feed_range)]
            if not parts:
                continue
            end = min(parts, key=lambda part: _width(FeedRange.from_id(part.lease))).lsn
            for document in self._range(feed_range, rid, end):
                stream, version = document["streamId"], document["version"]
                if self._view.reads(stream) and not _left_out(parts, stream, version):
                    yield document

    def _range(self, feed_range: FeedRange, rid: str, end: int) -> Iterator[Document]:
        lsn: int | None = None
        while True:
            page = self._stores.feed.read(feed_range, lsn, rid, limit=_PAGE)
            if not isinstance(page, Page):
                raise Unavailable("the events container was split meanwhile; try again")
            for document in page.documents:
                if document["_lsn"] > end:
                    return
                yield document
            if not page.size:
                return
            lsn = page.lsn

    def _rows(self) -> list[Document]:
        return self._stores.views.query("SELECT * FROM c", self._partition)


def _snapshot(rows: list[Document]) -> Snapshot:
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        if "key" in row:
            sums[row["key"]] = plus(sums.get(row["key"], {}), row["sums"])
    return Snapshot([Partial.from_document(row) for row in rows if row["id"].startswith(GUARD_PREFIX)], sums)


def _left_out(parts: list[Partial], stream: str, version: int) -> bool:
    for part in parts:
        late = part.late.get(stream)
        if late is not None and late.after < version <= late.upto:
            return True
        if any((note["stream"], note["version"]) == (stream, version) for note in part.dropped):
            return True
    return False


def _width(feed_range: FeedRange) -> int:
    return int(feed_range.max.ljust(_DIGITS, "0"), 16) - int(feed_range.min.ljust(_DIGITS, "0"), 16)


def _contents(key: str, sums: dict[str, int], position: int) -> Contents:
    return Contents(key, position, 1, hash_of(sums))
