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

from azure.cosmos import CosmosClient

from projectors.database import Stores
from projectors.errors import ProjectionError, RebuildRunning
from projectors.generations.generation import consumer_name
from projectors.lag import lag_of
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.throughput.meter import Meter, Spent
from projectors.views.consumer import ViewConsumer
from projectors.views.dead_letters import parked_in
from projectors.views.view import View
from replay.contents.compare import Comparison, compare
from replay.contents.stored import stored_contents
from replay.errors import Differences, NotCaughtUp, ParkedStreams, ReplayError
from replay.lock import BuilderLock, is_gone, this_process
from replay.rebuild.parallel import NOTHING, Connect, Share, ranges_of, release_all, shares, total, work_together
from replay.rebuild.progress import Phase, Progress, RebuildOptions, Rebuilt
from replay.rebuild.serving_lag import LiveLag
from replay.retention import Removed, prune
from replay.retry import PATIENCE, in_spite_of_silence

_log = logging.getLogger(__name__)
_SLICE = 3600.0
_ROUNDS = 20
_VISIT = 0.2
_HAND_OVER = 30.0
"""Seconds that workers have at least to take a generation over; a busy one needs some."""
_THEIRS = 0.9
"""Of the request units allowed, for other processes; the rest is for this one, which keeps the lock meanwhile."""


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
        self._stores = Stores.open(client, database, meter=self._meter)
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
        with BuilderLock(self._client, self._database, self._view.name, at=at) as lock:
            self._lock = lock
            return self._run()

    def _run(self) -> Rebuilt:
        self._serves, self._builds = self._begin()
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
        leases = self._stores.leases.of(consumer.name)
        self._done_before = sum(lease.events for lease in leases)
        self._counted = self._stores.feed.estimate()
        if self._options.workers > 1 and self._connect is not None:
            self._build_together(self._connect, consumer)
        comparison = self._catch_up_and_compare(worker)
        self._finish(comparison)
        if self._options.switch:
            self._hand_over(worker)
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
        ranges = ranges_of(self._stores, consumer.name)
        options = self._options

        def tell(spent: Spent) -> None:
            self._elsewhere = spent
            self._tell(Phase.BUILDING)

        with options.allowance.lent(_THEIRS) if options.allowance else nullcontext() as max_ru:
            whole = Share(connect, self._view, self._builds, ranges, self._settings, options.park, max_ru)
            self._elsewhere = work_together(shares(whole, options.workers), tell)
        release_all(self._stores, self._view.name, self._builds)

    def _catch_up_and_compare(self, worker: Worker) -> Comparison:
        """The serving generation and the new one at rest with each other, while the log goes on."""
        for _ in range(_ROUNDS):
            visit = in_spite_of_silence(
                self._view.name,
                lambda: worker.run_until_idle(
                    _SLICE, near=True, patience=PATIENCE, progress=lambda: self._tell(Phase.BUILDING)
                ),
            )
            if visit.failures:
                raise NotCaughtUp(self._view.name, "; ".join(visit.failures.values()))
            if visit.idle and visit.ranges == len(self._stores.leases.of(consumer_name(self._view.name, self._builds))):
                break
        else:
            raise NotCaughtUp(self._view.name, "others hold some of its ranges")
        self._built = time.monotonic() - self._started
        self._tell(Phase.COMPARING)
        return in_spite_of_silence(self._view.name, self._compare)

    def _compare(self) -> Comparison:
        old, new = (stored_contents(self._stores, self._view, number) for number in (self._serves, self._builds))
        return compare(old.all(), new.all(), settle=lambda name: old.right(name) and new.right(name))

    def _finish(self, comparison: Comparison) -> None:
        name, options = self._view.name, self._options
        if not comparison.agrees and not options.accept_changes:
            raise Differences(
                name,
                f"generations {self._serves} and {self._builds}",
                comparison.different,
                f"if the view's code has changed on purpose, start again with --accept-changes; "
                f"`tidemark replay verify {name}` compares with the log",
            )
        at = self._now().isoformat(timespec="seconds")
        if not options.switch:
            self._stores.registry.keep(name, self._builds, at=at)
            return
        lacking = self._parked(self._builds) - self._parked(self._serves)
        if lacking:
            raise ParkedStreams(name, self._builds, sorted(lacking))
        self._stores.registry.switch(name, self._builds, at=at)

    def _hand_over(self, worker: Worker) -> None:
        """Keeps the new generation up to date until a worker that was there before has taken it over.

        It works in short visits with pauses, in which the leases are free for a worker that looks at them.
        """
        before, after = consumer_name(self._view.name, self._serves), consumer_name(self._view.name, self._builds)
        end = time.monotonic() + max(3 * self._settings.refresh, _HAND_OVER)
        while time.monotonic() < end:
            lag = {found.consumer: found for found in lag_of(self._stores, (before, after), now=self._now())}
            if lag[after].owned or not lag[before].owned:
                return
            worker.run_until_idle(_VISIT, near=True)
            time.sleep(_VISIT)

    def _parked(self, generation: int) -> set[str]:
        return {parked.stream for parked in parked_in(self._stores.views, self._view.name, generation)}

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
