"""The contents of views over many streams: as they are stored, and as a plain fold of the log has them.

Ranges are at different positions at any moment, and go on while their sums are read, page by page. Each document of
sums knows the LSN up to which it has everything of its range, and so has one that was not changed since its guard was
read: up to that guard. So nothing has to hold still: the fold takes every sum exactly as far as the document says that
it was found in. The streams that wait are read last; a stream that waits was left out from one version on, whenever
that began. Only what takes such events in behind the guard (a retry, a drop), and a split, make a second look needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from projectors.container import Document
from projectors.database import Database
from projectors.errors import PoisonEvent, Unavailable
from projectors.feed.change_feed import Page
from projectors.feed.ranges import FeedRange
from projectors.generations.generation import partition_key
from projectors.views.sums.checkpoint import RangeCheckpoint, RangeCheckpoints
from projectors.views.sums.documents import Part, is_apart
from projectors.views.sums.late import LATE_PREFIX, Late
from projectors.views.sums.projector import add_event
from projectors.views.sums.view import BUCKET, Sums, SumView, plus, stored
from replay.contents.hashing import Contents, hash_of

_TRIES = 50
_PAGE = 1000
_ROWS = 5000
_DIGITS = 32
"""Of an effective partition key; bounds leave off trailing zeros."""
_SUMS = f"SELECT TOP {_ROWS} * FROM c WHERE c.id > @after AND IS_DEFINED(c.key) ORDER BY c.id"  # noqa: S608 - a number


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The guards as they were first, the sums by key as they were found after that, and what is not in them.

    `ahead` has the documents that were written after the guard of their range was read, by range, and how far they are.
    """

    partials: list[RangeCheckpoint]
    sums: dict[str, dict[str, int]] = field(default_factory=dict)
    ahead: dict[str, dict[Part, int]] = field(default_factory=dict)
    late: dict[str, list[Late]] = field(default_factory=dict)
    dropped: set[tuple[str, int]] = field(default_factory=set)

    @property
    def position(self) -> int:
        return sum(partial.lsn for partial in self.partials)

    def contents(self) -> Iterator[Contents]:
        for key, sums in self.sums.items():
            if sums:
                yield _contents(key, sums, self.position)

    def left_out(self, stream: str, version: int) -> bool:
        """Whether the event is in no sum."""
        waiting = any(late.after < version <= late.upto for late in self.late.get(stream, ()))
        return waiting or (stream, version) in self.dropped

    def add(self, row: Document, guards: dict[str, RangeCheckpoint]) -> None:
        """One document of sums, found after the guards."""
        self.sums[row["key"]] = plus(self.sums.get(row["key"], {}), row["sums"])
        guard = guards.get(row["lease"])
        if row.get("lsn", 0) > (guard.lsn if guard else 0):
            part = Part(row["key"], next(iter(row["sums"])) if is_apart(row) else None)
            self.ahead.setdefault(row["lease"], {})[part] = row["lsn"]

    def leave_out(self, stream: str, late: Late) -> None:
        self.late.setdefault(stream, []).append(late)

    def note(self, notes: list[dict[str, Any]] | tuple[dict[str, Any], ...]) -> None:
        self.dropped.update((note["stream"], note["version"]) for note in notes)


class SumContents:
    """One generation of one view over many streams, beside its log, each sum as of one position of its range."""

    def __init__(self, stores: Database, view: SumView, generation: int) -> None:
        self._stores = stores
        self._view = view
        self._partition = partition_key(view.name, generation, BUCKET)
        self._partials = RangeCheckpoints(stores.views, self._partition)

    @cached_property
    def snapshot(self) -> Snapshot:
        """In this order: guards, sums, what waits, and the guards again, for what happens to them once in a while."""
        guards = self._partials.all()
        for _ in range(_TRIES):
            snapshot = self._read(guards)
            before, guards = guards, self._partials.all()
            if _shape(before) == _shape(guards):
                return snapshot
        raise Unavailable(f"{self._view.name}: streams of it are being retried or dropped without end; try again")

    def all(self) -> Iterator[Contents]:
        return self.snapshot.contents()

    @cached_property
    def expected(self) -> dict[str, Contents]:
        """A plain fold of the log to where each document of the snapshot is."""
        sums: dict[str, dict[str, int]] = {}
        snapshot, rid = self.snapshot, self._stores.feed.rid()
        for feed_range in self._stores.feed.ranges():
            parts = [part for part in snapshot.partials if FeedRange.from_id(part.lease).covers(feed_range)]
            if not parts:
                continue
            part = min(parts, key=lambda part: _width(FeedRange.from_id(part.lease)))
            ahead = snapshot.ahead.get(part.lease, {})
            for document in self._range(feed_range, rid, max((part.lsn, *ahead.values()))):
                stream, lsn = document["streamId"], document["_lsn"]
                if not self._view.reads(stream) or snapshot.left_out(stream, document["version"]):
                    continue
                for key, amounts in self._added(document).by_key.items():
                    found = amounts if lsn <= part.lsn else _reached(ahead, key, amounts, lsn)
                    if found:
                        sums[key] = plus(sums.get(key, {}), found)
        return {key: _contents(key, found, snapshot.position) for key, found in sums.items()}

    def right(self, key: str) -> bool:
        """Whether the sums of the key are what the log says."""
        found = self.snapshot.sums.get(key)
        expected = self.expected.get(key)
        return (_contents(key, found, 0).hash if found else b"") == (expected.hash if expected else b"")

    @property
    def parked(self) -> set[str]:
        return set(self.snapshot.late)

    def _read(self, guards: list[RangeCheckpoint]) -> Snapshot:
        snapshot = Snapshot(guards)
        by_lease = {guard.lease: guard for guard in guards}
        after = ""
        while rows := self._stores.views.query(_SUMS, self._partition, after=after):
            for row in rows:
                snapshot.add(row, by_lease)
            after = rows[-1]["id"]
        for row in self._stores.views.query(
            "SELECT * FROM c WHERE c.id >= @late AND IS_DEFINED(c.stream)", self._partition, late=LATE_PREFIX
        ):
            if "upto" in row:
                snapshot.leave_out(row["stream"], Late.from_document(row))
            snapshot.note(row.get("dropped", ()))
        for guard in guards:
            for stream, late in guard.late.items():
                snapshot.leave_out(stream, late)
            snapshot.note(guard.dropped)
        return snapshot

    def _added(self, document: Document) -> Sums:
        """Raises PoisonEvent for what the view of today cannot add, though it is not parked."""
        try:
            return add_event(self._view, self._stores.mapper, document)
        except Exception as error:
            reason, type_name = f"{type(error).__name__}: {error}", document["type"]
            raise PoisonEvent(self._view.name, document["streamId"], document["version"], type_name, reason) from error

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


def _shape(guards: list[RangeCheckpoint]) -> list[tuple[Any, ...]]:
    """What must stay while a snapshot is read. A guard of the earlier form has the streams that wait inside, and its
    sums do not know how far they are: nothing of it may change."""
    return [
        (guard.lease, guard.sealed, guard.drained, guard.etag if guard.is_earlier_form else None) for guard in guards
    ]


def _reached(ahead: dict[Part, int], key: str, amounts: dict[str, int], lsn: int) -> dict[str, int]:
    """Of what an event behind the guard adds to a key: what the documents have that were read later."""
    whole = ahead.get(Part(key, None), 0)
    return {name: amount for name, amount in amounts.items() if lsn <= max(whole, ahead.get(Part(key, name), 0))}


def _width(feed_range: FeedRange) -> int:
    return int(feed_range.max.ljust(_DIGITS, "0"), 16) - int(feed_range.min.ljust(_DIGITS, "0"), 16)


def _contents(key: str, sums: dict[str, int], position: int) -> Contents:
    return Contents(key, position, 1, hash_of(stored(sums)))
