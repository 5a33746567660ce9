"""Builds a view as it was at a moment in the past, under a name of its own, beside everything that serves.

It is one more consumer of a feed that ends there. No reader is ever sent to it: it is read by its name, and dropped by
its name.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from azure.cosmos import CosmosClient

from projectors.database import Database
from projectors.generations.generation import GUARD_PREFIX, consumer_name, partition_key
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.throughput.meter import Meter
from projectors.views.catalog import Views
from projectors.views.consumer import ViewConsumer
from projectors.views.sums.view import SumView
from projectors.views.view import View
from replay.contents.hashing import digest_of
from replay.contents.stored import stored_contents
from replay.contents.sums import SumContents
from replay.errors import NotCaughtUp
from replay.generations import delete_items
from replay.lock import RebuildLock
from replay.past.catalog import GENERATION, Built, PastView, PastViews, iso, past_name
from replay.past.feed import PastFeed
from replay.past.point_in_time import ends_at, moment_of
from replay.rebuild.parallel import release_all
from replay.rebuild.progress import Phase, Progress, RebuildOptions
from replay.retry import PATIENCE, in_spite_of_silence

_VISIT = 3600.0
_ROUNDS = 20


def build_past(
    client: CosmosClient,
    database: str,
    view: View,
    until: str,
    options: RebuildOptions | None = None,
    *,
    settings: WorkerSettings | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> PastView:
    """The view as of `until`, a time (ISO 8601) or a position token; at once when it has been built before.

    Of the options `park`, `allowance`, `flush` and `pending` count. What `progress` raises leaves a state that the same
    call goes on from. Raises NoSuchMoment, RebuildRunning, PoisonEvent, NotCaughtUp.
    """
    options = options or RebuildOptions()
    meter = Meter(options.allowance)
    stores = Database.open(client, database, meter=meter)
    at = now()
    moment = moment_of(stores, until, now=at)
    name = past_name(view.name, moment)
    with RebuildLock(client, database, name, at=iso(at)) as lock:
        pasts = PastViews(stores.views)
        past = pasts.find(name)
        if past is None:
            past = pasts.begin(PastView(name, view.name, iso(moment.time), iso(at), ends_at(stores.feed, moment)))
        if past.built is not None:
            stores.leases.forget(consumer_name(name, GENERATION))  # if it was stopped between these two
            return past
        ends = past.ends
        release_all(stores, name, GENERATION)
        consumer = ViewConsumer(
            _renamed(view, name),
            GENERATION,
            views=stores.views,
            history=stores.history,
            mapper=stores.mapper,
            park=options.park,
            max_pending=options.pending,
        )
        chosen = (settings or WorkerSettings()).model_copy(update={"flush": options.flush, "pending": options.pending})
        worker = Worker(
            client,
            database,
            [consumer],
            bounds=lambda feed: PastFeed(feed, ends),
            settings=chosen,
            meter=meter,
        )
        counting = _Counting(stores, past, meter)

        def tell() -> None:
            lock.check()
            progress(counting.progress())

        for _ in range(_ROUNDS):
            visit = in_spite_of_silence(name, lambda: worker.run_until_idle(_VISIT, patience=PATIENCE, progress=tell))
            if visit.failures:
                raise NotCaughtUp(name, "; ".join(visit.failures.values()))
            if visit.idle and visit.ranges == len(stores.leases.of(consumer.name)):
                break
        else:
            raise NotCaughtUp(name, "others hold some of its ranges")
        return _finished(stores, view, past, at=now())


def read_past(stores: Database, views: Views, name: str, stream: str | None = None) -> Iterator[dict[str, Any]]:
    """What a view of the past holds, all of it or of one stream (one key, for sums), JSON-native.

    Raises NoSuchPast, UnknownView.
    """
    view = _renamed(views.named(PastViews(stores.views).named(name).view), name)
    if isinstance(view, SumView):
        for key, sums in sorted(SumContents(stores, view, GENERATION).snapshot.sums.items()):
            if stream in (None, key):
                yield {"key": key, "sums": sums}
        return
    prefix = partition_key(name, GENERATION, "")
    of_stream, names = ("", {}) if stream is None else (" AND c.stream = @stream", {"stream": stream})
    sql = f"SELECT * FROM c WHERE STARTSWITH(c.pk, @prefix){of_stream}"  # noqa: S608 - parameters
    for row in stores.views.scan(sql, prefix=prefix, **names):
        if row["id"].startswith(GUARD_PREFIX):
            yield {"stream": row["stream"], "version": row["version"], "state": row["state"]}
        else:
            yield {"stream": row["stream"], "version": row["version"], "item": row["id"], "data": row["data"]}


def drop_past(stores: Database, name: str) -> int:
    """Deletes a view of the past; the number of documents. Raises NoSuchPast."""
    pasts = PastViews(stores.views)
    pasts.named(name)
    deleted = delete_items(stores, partition_key(name, GENERATION, ""))
    stores.leases.forget(consumer_name(name, GENERATION))
    pasts.forget(name)
    return deleted


def _renamed(view: View, name: str) -> View:
    """The same view, storing under another name."""
    renamed: View = type(type(view).__name__, (type(view),), {"name": name})()
    return renamed


def _finished(stores: Database, view: View, past: PastView, *, at: datetime) -> PastView:
    contents = list(stored_contents(stores, _renamed(view, past.name), GENERATION).all())
    built = Built(iso(at), digest_of(contents), len(contents), sum(found.items for found in contents))
    finished = replace(past, built=built)
    PastViews(stores.views).finish(finished)
    stores.leases.forget(consumer_name(past.name, GENERATION))
    return finished


class _Counting:
    """How far a build is."""

    def __init__(self, stores: Database, past: PastView, meter: Meter) -> None:
        self._meter = meter
        self._name = past.name
        self._total = PastFeed(stores.feed, past.ends).estimate()
        self._before = sum(lease.events for lease in stores.leases.of(consumer_name(past.name, GENERATION)))
        self._started = time.monotonic()

    def progress(self) -> Progress:
        spent = self._meter.spent()
        events = self._before + spent.events + spent.pending
        return Progress(
            self._name,
            GENERATION,
            GENERATION,
            Phase.BUILDING,
            events,
            max(self._total, events),
            time.monotonic() - self._started,
            spent.request_units,
            spent.throttled_seconds,
            spent.paced_seconds,
            before=self._before,
        )
