"""Assignment of feed ranges to one worker: it renews the leases it holds, takes free ones, returns what is unwanted."""

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from azure.core.exceptions import AzureError

from projectors import metrics
from projectors.consumer import Consumer
from projectors.database import Database
from projectors.errors import LeaseLost, ProjectionError
from projectors.feed.ranges import FeedRange
from projectors.leases.balancing import leases_to_take
from projectors.leases.held import HeldLease
from projectors.leases.lease import Lease
from projectors.processor.range_processor import RangeProcessor
from projectors.settings import WorkerSettings
from projectors.views.consumer import ViewConsumer
from projectors.views.view import View

_log = logging.getLogger(__name__)


class Assignment:
    """Runners by consumer and range. The owner token is new for every roster: nobody takes up what it did not take."""

    def __init__(
        self,
        stores: Database,
        consumers: Sequence[Consumer],
        views: Sequence[View],
        *,
        settings: WorkerSettings,
        executor: Executor | None,
        clock: Callable[[], float],
        within: Sequence[FeedRange] = (),
    ) -> None:
        self._stores = stores
        self._fixed = tuple(consumers)
        self._views = tuple(views)
        self._settings = settings
        self._executor = executor
        self._clock = clock
        self._within = tuple(within)
        self._owner = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._runners: dict[tuple[str, str], RangeProcessor] = {}

    @property
    def runners(self) -> list[RangeProcessor]:
        """Those at work now."""
        with self._lock:
            return list(self._runners.values())

    def refresh(self, *, alone: bool = False) -> None:
        """Renews what is held, gives back what is no longer wanted, takes what is due to this worker.

        `alone` takes all that is free, whatever other workers hold.
        """
        consumers = {consumer.name: consumer for consumer in self._wanted_consumers()}
        for runner in self.runners:
            if runner.consumer.name not in consumers:
                runner.cancel()
        self.keep()
        leases = self._leases(consumers)
        for lease in (*self._unheld(leases), *leases_to_take(leases, self._owner, self._clock(), alone=alone)):
            self._take(consumers[lease.consumer], lease)

    def keep(self) -> None:
        """Renews what a third of its time has passed for. What hangs is left to whoever takes it when it expires."""
        for runner in self.runners:
            if runner.hangs:
                self._let_go(runner)
            elif not runner.cancelled:
                self._keep(runner)

    def remove(self, runner: RangeProcessor, *, release: bool) -> None:
        """Takes a runner off the roster, and gives its lease back unless that is already another's."""
        metrics.unwatch(runner)
        key = _key(runner.held.now)
        with self._lock:
            if self._runners.get(key) is runner:
                del self._runners[key]
        if release:
            try:
                runner.held.release()
            except (ProjectionError, AzureError) as error:  # it expires by itself
                _log.info("%s", error)

    def _wanted_consumers(self) -> list[Consumer]:
        consumers = list(self._fixed)
        known = self._stores.registry.all() if self._views else {}
        for view in self._views:
            generations = known[view.name].live if view.name in known else [1]
            consumers += [self._view_consumer(view, generation) for generation in generations]
        return consumers

    def _view_consumer(self, view: View, generation: int) -> ViewConsumer:
        return ViewConsumer(
            view,
            generation,
            views=self._stores.views,
            history=self._stores.history,
            mapper=self._stores.mapper,
            executor=self._executor,
            max_pending=self._settings.pending,
        )

    def _leases(self, consumers: dict[str, Consumer]) -> list[Lease]:
        """The leases of all consumers that concern this worker; consumers that have none yet get theirs."""
        known = self._stores.leases.of_all(consumers)
        missing = [name for name in consumers if not known[name]]
        if missing:
            rid, ranges = self._stores.feed.rid(), self._stores.feed.ranges()
            for name in missing:
                self._stores.leases.establish(name, ranges, rid)
                known[name] = self._stores.leases.of(name)
        return [lease for leases in known.values() for lease in leases if self._is_within(lease)]

    def _unheld(self, leases: Sequence[Lease]) -> list[Lease]:
        """Leases of this worker that nothing processes: the answer to taking them, or to giving them back, was lost."""
        with self._lock:
            return [lease for lease in leases if lease.owner == self._owner and _key(lease) not in self._runners]

    def _is_within(self, lease: Lease) -> bool:
        return not self._within or any(part.covers(lease.range) for part in self._within)

    def _take(self, consumer: Consumer, lease: Lease) -> None:
        if _key(lease) in self._runners:  # ours, and expired: the runner renews it itself, or finds out
            return
        try:
            taken = self._stores.leases.take(lease, self._owner)
        except LeaseLost:
            return
        runner = RangeProcessor(
            consumer,
            HeldLease(self._stores.leases, taken),
            self._stores.feed,
            settings=self._settings,
            meter=self._stores.meter,
            executor=self._executor,
        )
        metrics.watch(runner)
        with self._lock:
            self._runners[_key(taken)] = runner

    def _let_go(self, runner: RangeProcessor) -> None:
        if not runner.cancelled:
            _log.error(
                "%s: nothing heard for %.0f s in one step: it hangs, its lease is left to others; restart this process",
                runner.name,
                runner.silence,
            )
            runner.cancel()

    def _keep(self, runner: RangeProcessor) -> None:
        if runner.held.now.expires - self._clock() > self._settings.lease * 2 / 3:
            return
        try:
            runner.held.renew()
        except LeaseLost as error:
            _log.info("%s", error)
            runner.cancel()


def _key(lease: Lease) -> tuple[str, str]:
    return lease.consumer, lease.id
