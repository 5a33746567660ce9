"""Runs consumers: takes leases, works them, gives them back.

    Worker(client, "tidemark", views=views).run(stop)     until told to stop: containers, `tidemark up`
    Worker(…).run_until_idle(20)                           one visit of at most 20 seconds: Functions, tests

Any number of workers, in threads, processes and machines, share the work. One that dies is replaced when its leases
expire; one that is merely slow and goes on afterwards does no harm.
"""

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from azure.cosmos import CosmosClient
from azure.cosmos.exceptions import CosmosClientTimeoutError

from eventstore.log.mapper import Mapper
from projectors.consumer import Consumer
from projectors.database import Database
from projectors.errors import PoisonEvent, Unavailable
from projectors.feed.change_feed import Feed
from projectors.feed.ranges import FeedRange
from projectors.processor.assignment import Assignment
from projectors.processor.range_processor import RangeProcessor, Step
from projectors.processor.wakeup import Wakeup
from projectors.settings import WorkerSettings
from projectors.throughput.meter import Meter
from projectors.throughput.pulse import Pulse
from projectors.throughput.retries import CountingExecutor
from projectors.views.view import View

_log = logging.getLogger(__name__)
_TICK = 0.1


@dataclass(frozen=True, slots=True)
class Visit:
    """What `run_until_idle` came to.

    `idle`: nothing was left to do within reach, which is `ranges` leases; `events`: how many were applied; `failures`:
    what failed last, by consumer and range.
    """

    idle: bool
    ranges: int
    events: int
    failures: dict[str, str]


class Worker:
    """Works all live generations of `views`, and `consumers` beside them.

    `only` names the views and consumers to work, all unless given; others are left to other workers. `mapper` reads the
    log's events, where it was not written with the default one. `within` are the ranges of the feed to work, all unless
    given; `bounds` wraps the feed, e.g. in one that ends in the past.
    `meter` books requests and request units and may limit them. `clock` gives seconds since 1970. Nothing is sent
    before `run` or `run_until_idle`; a worker may be visited again and again, but by one thread at a time.
    """

    def __init__(
        self,
        client: CosmosClient,
        database: str,
        consumers: Iterable[Consumer] = (),
        *,
        views: Iterable[View] = (),
        only: Collection[str] = (),
        within: Sequence[FeedRange] = (),
        bounds: Callable[[Feed], Feed] | None = None,
        mapper: Mapper[str] | None = None,
        settings: WorkerSettings | None = None,
        meter: Meter | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings or WorkerSettings()
        self._stop = threading.Event()
        self._meter = meter or Meter()
        stores = Database.open(
            client,
            database,
            mapper=mapper,
            meter=self._meter,
            stop=self._stop,
            clock=clock,
            lease_seconds=self._settings.lease,
        )
        self._stores = stores if bounds is None else replace(stores, feed=bounds(stores.feed))
        parallel = self._settings.parallel
        self._roster = Assignment(
            self._stores,
            [consumer for consumer in consumers if not only or consumer.name in only],
            [view for view in views if not only or view.name in only],
            settings=self._settings,
            executor=CountingExecutor(parallel, thread_name_prefix="request") if parallel else None,
            clock=clock,
            within=within,
        )
        self._wakeup = Wakeup()
        self._poison: PoisonEvent | None = None
        self._upkeep = Pulse("looking after leases")

    def wake(self) -> None:
        """There is something new in the log: poll now. For whoever appends in the same process."""
        self._wakeup.ring()

    @property
    def hanging(self) -> list[str]:
        """What waits for something that does not come, for people; nothing as long as all is well."""
        upkeep = [self._upkeep.name] if self._upkeep.silence > self._settings.silence else []
        return upkeep + [runner.name for runner in self._roster.runners if runner.hangs]

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set, then finishes the pages under way and gives the leases back."""
        threads: dict[RangeProcessor, threading.Thread] = {}
        try:
            while not stop.is_set() and self._poison is None:
                with self._upkeep.working():
                    self._surviving(self._roster.refresh)
                threads = {runner: thread for runner, thread in threads.items() if thread.is_alive()}
                for runner in self._roster.runners:
                    if runner not in threads:
                        threads[runner] = threading.Thread(target=self._work, args=(runner, stop), daemon=True)
                        threads[runner].start()
                self._pause(stop, threads)
        finally:
            self._stop.set()
            self._wakeup.ring()
            for runner, thread in threads.items():
                self._await(runner, thread)
            self._stop.clear()
        if self._poison is not None:
            raise self._poison

    def run_until_idle(
        self,
        deadline: float,
        *,
        near: bool = False,
        patience: float = math.inf,
        progress: Callable[[], None] | None = None,
    ) -> Visit:
        """Works whatever is free until a whole round finds nothing more to do, at most about `deadline` seconds.

        `near` is content when every range was at the end of its feed for a moment: while others write without a pause
        there is always something more. Ranges that other workers hold are left to them. Leases are given back at the
        end. A range that fails for `patience` seconds without a success between ends the visit. `progress` is called
        after every page; what it raises ends the visit.
        """
        end = time.monotonic() + deadline
        before = self._meter.spent().events
        idle = False
        failures: dict[str, str] = {}
        runners: list[RangeProcessor] = []
        done = threading.Event()
        heartbeat = threading.Thread(target=self._keep_leases, args=(done,), daemon=True)
        if self._settings.parallel:
            heartbeat.start()
        try:
            while not idle and time.monotonic() < end:
                self._roster.refresh(alone=True)
                ends = (Step.IDLE, Step.NEAR) if near else (Step.IDLE,)
                steps = [self._until(ends, runner, end, progress or _nothing) for runner in self._roster.runners]
                idle = all(step in ends for step in steps)
                if Step.FAILED in steps:
                    if any(runner.failing_for > patience for runner in self._roster.runners):
                        break
                    time.sleep(min(self._settings.retry_min, max(0.0, end - time.monotonic())))
            runners = self._roster.runners
            failures = {runner.name: str(runner.error) for runner in runners if runner.error is not None}
        finally:
            done.set()
            for runner in self._roster.runners:
                self._roster.remove(runner, release=True)
        return Visit(idle, len(runners), self._meter.spent().events - before, failures)

    def _until(self, ends: tuple[Step, ...], runner: RangeProcessor, end: float, progress: Callable[[], None]) -> Step:
        """Steps until there is no more; WORKED when there was something before, so that others get another look."""
        worked = False
        while True:
            step = runner.step()
            progress()
            if step is Step.OVER:
                self._roster.remove(runner, release=False)
                return Step.WORKED
            if step in (*ends, Step.FAILED):
                return Step.WORKED if worked and step is Step.IDLE else step
            worked = True
            if time.monotonic() >= end:
                return runner.finish()

    def _await(self, runner: RangeProcessor, thread: threading.Thread) -> None:
        """The end of a range's thread; one that hangs is left behind, its lease expires."""
        while thread.is_alive() and not runner.hangs:
            thread.join(_TICK)

    def _work(self, runner: RangeProcessor, stop: threading.Event) -> None:
        """The life of a range's thread."""
        settings = self._settings
        delay, pause, step = settings.idle_min, 0.0, Step.WORKED
        try:
            while not stop.is_set() and not runner.cancelled:
                heard = self._wakeup.rings
                step = runner.step()
                if step is Step.OVER:
                    break
                if step in (Step.WORKED, Step.NEAR):
                    delay = settings.idle_min
                    pause = min(max(2 * pause, settings.idle_min), settings.linger) if step is Step.NEAR else 0.0
                    stop.wait(pause)
                    continue
                pause = 0.0
                if step is Step.FAILED:
                    stop.wait(self._retry_after(runner.failures))
                elif self._wakeup.wait(heard, delay) == heard:
                    delay = min(delay * 2, settings.idle_max)
        except PoisonEvent as error:
            self._poison = error
        finally:
            self._roster.remove(runner, release=step is not Step.OVER)

    def _retry_after(self, failures: int) -> float:
        bound = min(self._settings.retry_max, self._settings.retry_min * 2.0**failures)
        return bound * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries

    def _keep_leases(self, done: threading.Event) -> None:
        """Beside a long page, a long wait for a throttled store, a limit of request units."""
        while not done.wait(self._settings.lease / 6):
            self._surviving(self._roster.keep)

    def _surviving(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (Unavailable, CosmosClientTimeoutError) as error:  # a store that is away comes back
            _log.warning("looking after leases: %s; trying again in a moment", error)
        except Exception:  # noqa: BLE001 - the ranges at work go on, and what was not done is tried again
            _log.exception("looking after leases failed; trying again in a moment")

    def _pause(self, stop: threading.Event, threads: dict[RangeProcessor, threading.Thread]) -> None:
        """Until the next refresh; a thread that ended (a split, a lease lost) brings it forward."""
        end = time.monotonic() + self._settings.refresh
        while not stop.is_set() and time.monotonic() < end and all(thread.is_alive() for thread in threads.values()):
            stop.wait(_TICK)


def _nothing() -> None:
    """Nobody wants to know."""
