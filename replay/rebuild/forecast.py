"""What a rebuild would take: events, items, request units, money, time. Nothing is written.

The log is counted, its first pages are read and folded by the processor's own machinery, and what the serving
generation holds is counted and sampled. Reading is extrapolated from what those pages cost; writing, which nothing can
be measured of without doing it, from what Cosmos DB publishes: https://learn.microsoft.com/azure/cosmos-db/request-units.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from eventstore.cosmos.containers import containers
from eventstore.log.limits import MAX_OPERATIONS
from projectors.container import Document
from projectors.database import Database
from projectors.errors import Unavailable
from projectors.feed.change_feed import Page
from projectors.feed.ranges import FeedRange
from projectors.generations.generation import GUARD_PREFIX, partition_key
from projectors.leases.lease import Lease
from projectors.settings import WorkerSettings
from projectors.views.catalog import Views
from projectors.views.consumer import ViewConsumer
from projectors.views.streams.view import StreamView
from projectors.views.view import View
from replay.rebuild.progress import RebuildOptions

PRICE = 0.25
"""Of a million request units: about what serverless accounts pay, in US dollars. Prices differ by region."""

_WRITE, _WRITE_PER_KB, _WRITE_PER_VALUE = 5.5, 0.45, 0.2
"""Request units of creating an item of 1 KB, each further KB, each indexed value."""
_FIXED, _PER_RANGE = 190.0, 40.0
"""Request units that every rebuild takes, however short the log is: registry, lock, leases, lag."""
_PAGE, _SAMPLE_EVENTS, _SAMPLE_ITEMS = 1000, 5_000, 200


@dataclass(frozen=True, slots=True)
class Forecast:
    """`items` counts the documents of the new generation, guards included where they carry the item. Request units are
    those of reading the log, writing the generation, comparing it with the one that serves, and of `guarding`
    it: registry, lock and leases; `seconds` in all."""

    view: str
    serves: int
    builds: int
    events: int
    items: int
    reading: float
    writing: float
    comparing: float
    guarding: float
    seconds: float
    price: float

    @property
    def request_units(self) -> float:
        return self.reading + self.writing + self.comparing + self.guarding

    @property
    def money(self) -> float:
        """In the currency of the price."""
        return self.request_units / 1_000_000 * self.price


def forecast(
    stores: Database,
    view: View,
    options: RebuildOptions | None = None,
    *,
    price: float = PRICE,
    settings: WorkerSettings | None = None,
) -> Forecast:
    """About what `rebuild` with the same options would take. Raises PoisonEvent when an event of the first pages cannot
    be applied."""
    return _Forecast(stores, view, options or RebuildOptions(), price, settings or WorkerSettings()).make()


@dataclass(frozen=True, slots=True)
class _Log:
    events: int
    units: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _Stored:
    documents: int
    items: int
    partitions: int
    write: float
    read: float


class _Forecast:
    def __init__(
        self, stores: Database, view: View, options: RebuildOptions, price: float, settings: WorkerSettings
    ) -> None:
        self._stores = stores
        self._view = view
        self._options = options
        self._price = price
        self._settings = settings
        self._known = stores.registry.of(view.name)

    def make(self) -> Forecast:
        events, stored = self._stores.feed.count(), self._stored()
        ranges = self._stores.feed.ranges()
        sample = self._sample(ranges)
        per_event = events / sample.events if sample.events else 0.0
        reading, writing = sample.units * per_event, stored.documents * stored.write
        comparing, guarding = 2 * stored.documents * stored.read, _FIXED + _PER_RANGE * len(ranges)
        batches = max(stored.documents / MAX_OPERATIONS, stored.partitions)
        processes = min(self._options.workers, len(ranges))
        seconds = sample.seconds * per_event / processes
        seconds += batches * self._round_trip() / max(1, self._settings.parallel)
        if self._options.allowance:
            seconds = max(seconds, (reading + writing + comparing + guarding) / self._options.allowance.max_ru)
        building = self._known.building
        return Forecast(
            self._view.name,
            self._known.serving,
            building.generation if building else self._known.last + 1,
            events,
            stored.items,
            reading,
            writing,
            comparing,
            guarding,
            seconds,
            self._price,
        )

    def _sample(self, ranges: list[FeedRange]) -> _Log:
        """The first pages of each range, read and folded; what a whole page took, that is what all will."""
        rid = self._stores.feed.rid()
        began, before = time.perf_counter(), self._stores.meter.spent().request_units
        events = 0
        for feed_range in ranges:
            handler = self._consumer().open(Lease(self._consumer().name, feed_range, rid, etag=""))
            lsn: int | None = None
            read, full = 0, True
            while full and read < _SAMPLE_EVENTS / len(ranges):
                page = self._stores.feed.read(feed_range, lsn, rid, limit=_PAGE)
                if not isinstance(page, Page):
                    raise Unavailable("the events container was split meanwhile; try again")
                handler.handle(page)
                lsn, full = page.lsn, page.full
                read += page.size
            events += read
        return _Log(events, self._stores.meter.spent().request_units - before, time.perf_counter() - began)

    def _consumer(self) -> ViewConsumer:
        return ViewConsumer(
            self._view,
            self._known.last + 1,
            views=self._stores.views,
            history=self._stores.history,
            mapper=self._stores.mapper,
            park=self._options.park,
        )

    def _stored(self) -> _Stored:
        prefix = partition_key(self._view.name, self._known.serving, "")
        documents = self._count("STARTSWITH(c.pk, @prefix)", prefix=prefix)
        guards = self._count("STARTSWITH(c.pk, @prefix) AND c.id >= @guards", prefix=prefix, guards=GUARD_PREFIX)
        before = self._stores.meter.spent().request_units
        sample = self._stores.views.query(
            f"SELECT TOP {_SAMPLE_ITEMS} * FROM c WHERE STARTSWITH(c.pk, @prefix)",  # noqa: S608 - a number
            prefix=prefix,
        )
        read = (self._stores.meter.spent().request_units - before) / max(1, len(sample))
        spec = containers(Views(self._view).indexed)[2]
        indexed = [path["path"].split("/")[1:-1] for path in spec.indexing["includedPaths"]]
        write = sum(_write_units(document, indexed) for document in sample) / max(1, len(sample))
        streams = isinstance(self._view, StreamView)
        keyed = isinstance(self._view, StreamView) and self._view.keyed_by_stream
        items = documents if streams and not keyed else documents - guards
        return _Stored(documents, items, guards if keyed else 1, write, read)

    def _count(self, condition: str, **parameters: Any) -> int:
        rows: list[Any] = self._stores.views.query(f"SELECT VALUE COUNT(1) FROM c WHERE {condition}", **parameters)  # noqa: S608
        return sum(rows)

    def _round_trip(self) -> float:
        began = time.perf_counter()
        self._stores.registry.of(self._view.name)
        return time.perf_counter() - began


def _write_units(document: Document, indexed: Sequence[list[str]]) -> float:
    kept = {name: value for name, value in document.items() if not name.startswith("_")}
    kilobytes = max(1, -(-len(orjson.dumps(kept)) // 1024))
    return _WRITE + _WRITE_PER_KB * (kilobytes - 1) + _WRITE_PER_VALUE * sum(_has(kept, path) for path in indexed)


def _has(value: Any, path: list[str]) -> bool:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True
