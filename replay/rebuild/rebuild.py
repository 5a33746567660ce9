"""Builds a view again from the beginning of the log, beside the generation that serves, and switches when it is right.

A rebuild is one more consumer: generation n+1 starts at the beginning, catches up by the processor's own machinery, is
compared with n, and then the registry points at it. Nothing pauses. Interrupted anywhere, a rebuild started again goes
on from its last checkpoint.
"""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from azure.cosmos import CosmosClient

from projectors.database import Database
from projectors.errors import ProjectionError, RebuildRunning
from projectors.generations.generation import consumer_name
from projectors.lag import lag_of
from projectors.leases.lease import Lease
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.throughput.meter import Meter, Spent
from projectors.views.consumer import ViewConsumer
from projectors.views.dead_letters import all_dead_letters
from projectors.views.view import View
from replay.contents.compare import Comparison, compare
from replay.contents.stored import stored_contents
from replay.errors import Differences, NotCaughtUp, ParkedStreams, ReplayError
from replay.lock import RebuildLock, is_gone, this_process
from replay.rebuild.handover import Handover
from replay.rebuild.parallel import NOTHING, Connect, Share, ranges_of, release_all, shares, total, work_together
from replay.rebuild.progress import Phase, Progress, RebuildOptions, Rebuilt
from replay.rebuild.serving_lag import LiveLag
from replay.retention import Removed, prune
from replay.retry import PATIENCE, in_spite_of_silence

_log = logging.getLogger(__name__)
T = TypeVar("T")
_SLICE = 3600.0
_ROUNDS = 20
_THEIRS = 0.9
"""Share of `--max-ru` that the worker processes get; a tenth is left for this one, which renews the lock meanwhile."""


def rebuild(
    client: CosmosClient,
    database: str,
    view: View,
    options: RebuildOptions | None = None,
    *,
    settings: WorkerSettings | None = None,
    progress: Callable[[Progress], None] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    connect: Connect | None = None,
) -> Rebuilt:
    """Rebuilds one view. `progress` is called often; what it raises (KeyboardInterrupt too) leaves a resumable state.
    `connect` opens clients in other processes: without it everything is done in this one, whatever the options say.

    Raises RebuildRunning, naming who rebuilds the view at this moment; PoisonEvent for an event that the
    view cannot apply; Differences, ParkedStreams, NotCaughtUp. After any of them the serving generation is untouched,
    and the same call goes on where this one stopped.
    """
    return _Rebuild(client, database, view, options or RebuildOptions(), settings, progress, now, connect).run()


class _Rebuild:
    def __init__(
        self,
        client: CosmosClient,
        database: str,
        view: View,
        options: RebuildOptions,
        settings: WorkerSettings | None,
        progress: Callable[[Progress], None] | None,
        now: Callable[[], datetime],
        connect: Connect | None,
    ) -> None:
        self._view = view
        self._options = options
        self._report = progress or _ignore
        self._now = now
        self._meter = Meter(options.allowance)
        self._stores = Database.open(client, database, meter=self._meter)
        self._settings = (settings or WorkerSettings()).model_copy(
            update={"flush": options.flush, "pending": options.pending}
        )
        self._client, self._database = client, database
        self._started = time.monotonic()
        self._counted = self._done_before = 0
        self._built = 0.0
        self._connect = connect
        self._elsewhere = NOTHING

    def run(self) -> Rebuilt:
        """Holds the view's lock from the first step to the last, the comparison included."""
        at = self._now().isoformat(timespec="seconds")
        with RebuildLock(self._client, self._database, self._view.name, at=at) as lock:
            self._lock = lock
            return self._run()

    def _run(self) -> Rebuilt:
        self._serves, self._builds = self._patiently(self._begin)
        self._live = LiveLag(self._stores, consumer_name(self._view.name, self._serves))
        consumer = ViewConsumer(
            self._view,
            self._builds,
            views=self._stores.views,
            history=self._stores.history,
            mapper=self._stores.mapper,
            park=self._options.park,
            max_pending=self._options.pending,
        )
        worker = Worker(self._client, self._database, [consumer], settings=self._settings, meter=self._meter)
        self._done_before = sum(lease.events for lease in self._leases())
        self._counted = self._patiently(self._stores.feed.estimate)
        if self._options.workers > 1 and self._connect is not None:
            self._build_together(self._connect, consumer)
        self._catch_up(worker)
        self._built = time.monotonic() - self._started
        self._tell(Phase.COMPARING)
        comparison = self._patiently(self._compare)
        self._check(comparison)
        self._catch_up(worker)
        lag = self._patiently(lambda: self._finish(worker))
        removed = self._prune()
        return Rebuilt(
            self._view.name,
            self._serves,
            self._builds,
            self._options.switch,
            comparison,
            self._built,
            self._progress(Phase.DONE),
            removed,
            lag,
        )

    def _begin(self) -> tuple[int, int]:
        """What serves, and what is built: a new generation, or the one that an interrupted rebuild left."""
        me, at = this_process(), self._now().isoformat(timespec="seconds")
        registry, name = self._stores.registry, self._view.name
        left = registry.of(name).building
        if left is None:
            built = registry.build(name, by=me, at=at)
        else:
            leases = self._stores.leases.of(consumer_name(name, left.generation))
            held = [lease for lease in leases if not lease.free(self._now().timestamp())]
            if held and not is_gone(left.by):
                raise RebuildRunning(name, left.by, left.since)
            built = registry.adopt(name, left, by=me, at=at)
            for lease in held:
                self._stores.leases.release(lease)
        return built.serving, built.last

    def _build_together(self, connect: Connect, consumer: ViewConsumer) -> None:
        """Most of the way, by several processes; the rest of it is the same as without them."""
        ranges = self._patiently(lambda: ranges_of(self._stores, consumer.name))
        options = self._options

        def tell(spent: Spent) -> None:
            self._elsewhere = spent
            self._tell(Phase.BUILDING)

        with options.allowance.lent(_THEIRS) if options.allowance else nullcontext() as max_ru:
            whole = Share(connect, self._view, self._builds, ranges, self._settings, options.park, max_ru)
            self._elsewhere = work_together(shares(whole, options.workers), tell)
        self._patiently(lambda: release_all(self._stores, self._view.name, self._builds))

    def _catch_up(self, worker: Worker) -> None:
        """The new generation at the end of the log, for a moment: the log goes on."""
        for _ in range(_ROUNDS):
            visit = self._patiently(
                lambda: worker.run_until_idle(
                    _SLICE, near=True, patience=PATIENCE, progress=lambda: self._tell(Phase.BUILDING)
                )
            )
            if visit.failures:
                raise NotCaughtUp(self._view.name, "; ".join(visit.failures.values()))
            if visit.idle and visit.ranges == len(self._leases()):
                return
        raise NotCaughtUp(self._view.name, "others hold some of its ranges")

    def _compare(self) -> Comparison:
        old, new = (stored_contents(self._stores, self._view, number) for number in (self._serves, self._builds))
        return compare(old.all(), new.all(), settle=lambda name: old.right(name) and new.right(name))

    def _check(self, comparison: Comparison) -> None:
        if comparison.agrees or self._options.accept_changes:
            return
        name = self._view.name
        raise Differences(
            name,
            f"generations {self._serves} and {self._builds}",
            comparison.different,
            f"if the view's code has changed on purpose, start again with --accept-changes; "
            f"`tidemark replay verify {name}` compares with the log",
        )

    def _finish(self, worker: Worker) -> int | None:
        """Lets the new generation serve, or keeps it; how many transactions it is behind the log."""
        name, at = self._view.name, self._now().isoformat(timespec="seconds")
        if not self._options.switch:
            self._stores.registry.keep(name, self._builds, at=at)
            (lag,) = lag_of(self._stores, [consumer_name(name, self._builds)], now=self._now())
            return lag.transactions
        lacking = self._parked(self._builds) - self._parked(self._serves)
        if lacking:
            raise ParkedStreams(name, self._builds, sorted(lacking))
        refresh = self._settings.refresh
        tell = partial(self._tell, Phase.SWITCHING)
        return Handover(
            self._stores, worker, name, self._serves, self._builds, refresh=refresh, tell=tell, now=self._now
        ).switch()

    def _patiently(self, step: Callable[[], T]) -> T:
        """Every step may be taken again: what it has done before it finds done."""
        return in_spite_of_silence(self._view.name, step)

    def _leases(self) -> list[Lease]:
        return self._patiently(lambda: self._stores.leases.of(consumer_name(self._view.name, self._builds)))

    def _parked(self, generation: int) -> set[str]:
        return {parked.stream for parked in all_dead_letters(self._stores.views, self._view.name, generation)}

    def _prune(self) -> list[Removed]:
        """The rebuild is done whether or not an old generation can be removed now."""
        if self._options.keep is None:
            return []
        try:
            return prune(self._stores, self._view.name, keep=self._options.keep, now=self._now())
        except (ReplayError, ProjectionError) as error:
            _log.warning("%s: an old generation stays for now: %s", self._view.name, error)
            return []

    def _tell(self, phase: Phase) -> None:
        self._lock.check()
        self._report(self._progress(phase))

    def _progress(self, phase: Phase) -> Progress:
        spent = total((self._meter.spent(), self._elsewhere))
        events = self._done_before + spent.events + spent.pending
        return Progress(
            self._view.name,
            self._serves,
            self._builds,
            phase,
            events,
            max(self._counted, events),
            time.monotonic() - self._started,
            spent.request_units,
            spent.throttled_seconds,
            spent.paced_seconds,
            self._live.now,
            self._done_before,
        )


def _ignore(_: Progress) -> None:
    """Nobody watches."""
