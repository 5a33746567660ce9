"""Works one range for one consumer, a page at a time.

    read a page -> handle it in memory -> renew the lease -> write -> checkpoint

In that order: a renewal between reading and writing keeps a worker that was paused from writing what it read long
ago, and a checkpoint before the writes would lose them in a crash. While full pages follow each other, handling goes
on in memory and one flush serves several pages; the moment the range is caught up everything is written.
"""

import enum
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime

from eventstore.documents import recorded_at
from projectors import metrics
from projectors.consumer import Consumer, Handler
from projectors.errors import LeaseLost, PoisonEvent, ProjectionError, Stopping, Unavailable
from projectors.feed import Feed, Page, Split
from projectors.lease import HeldLease
from projectors.meter import Meter
from projectors.settings import WorkerSettings

_log = logging.getLogger(__name__)


class Step(enum.Enum):
    """What a step came to."""

    WORKED = "there is more at once"
    NEAR = "at the end a moment ago"
    IDLE = "caught up"
    OVER = "this range is no longer this worker's"
    FAILED = "to be tried again after a while"


class Runner:
    """One held lease at work. Not safe between threads, but for `held`."""

    def __init__(
        self,
        consumer: Consumer,
        held: HeldLease,
        feed: Feed,
        *,
        settings: WorkerSettings,
        meter: Meter,
        executor: Executor | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.consumer = consumer
        self.held = held
        self.failures = 0
        self.error: Exception | None = None
        self._failing_since = 0.0
        self.cancelled = False
        self._feed = feed
        self._settings = settings
        self._meter = meter
        self._executor = executor
        self._clock = clock
        self._events = 0
        self._begin()

    def _begin(self) -> None:
        """From the stored position, knowing nothing: what an earlier attempt had in memory is forgotten."""
        self._handler: Handler = self.consumer.open(self.held.now)
        self._position = self.held.now.lsn
        self._ahead: Future[Page | Split] | None = None
        self._forget()
        self._at: str | None = None
        self._head: int | None = None
        self._flushed_at = self._clock()

    def _forget(self) -> None:
        self._meter.handled(-self._events)
        self._events = 0

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.consumer.name} {self.held.now.id}"

    @property
    def labels(self) -> dict[str, str]:
        """For metrics."""
        return {"consumer": self.consumer.name, "range": self.held.now.id}

    @property
    def lag(self) -> tuple[int, float]:
        """Transactions and seconds behind the log, as of the last page."""
        behind = max(0, (self._head or 0) - (self._position or 0))
        if not behind or self._at is None:
            return behind, 0.0
        return behind, max(0.0, (datetime.now(UTC) - datetime.fromisoformat(self._at)).total_seconds())

    @property
    def failing_for(self) -> float:
        """Seconds since the first of the failures that no success has followed; 0 while there is none."""
        return self._clock() - self._failing_since if self.failures else 0.0

    def cancel(self) -> None:
        """The range is no longer wanted here: whoever drives the runner stops after the step under way."""
        self.cancelled = True

    def step(self) -> Step:
        """Works one page. Failures leave nothing behind: the next step starts again from the position stored."""
        return self._guarded(self._step)

    def finish(self) -> Step:
        """Writes what is still in memory: there is no time for more."""
        return self._guarded(self._finish)

    def _guarded(self, work: Callable[[], Step]) -> Step:
        try:
            step = work()
        except LeaseLost as error:
            _log.info("%s", error)
            self._forget()
            return Step.OVER
        except Stopping:
            self._begin()
            return Step.FAILED
        except PoisonEvent:
            raise
        except Exception as error:  # noqa: BLE001 - one consumer's failure must not hold up another
            self._failed(error)
            return Step.FAILED
        self.failures, self.error = 0, None
        return step

    def _finish(self) -> Step:
        self._flush()
        return Step.WORKED

    def _flush(self) -> None:
        """Writes what is handled and then the position."""
        if self._position == self.held.now.lsn:
            return
        self.held.renew()
        self._handler.flush()
        lease = self.held.now
        self.held.checkpoint(
            self._position, events=lease.events + self._events, at=self._at or lease.at, head=self._head or lease.head
        )
        self._meter.applied(self._events)
        metrics.events.add(self._events, {"consumer": self.consumer.name})
        self._events, self._flushed_at = 0, self._clock()

    def _step(self) -> Step:
        page = self._next()
        if isinstance(page, Split):
            self._flush()
            self.held.split(page.ranges)
            _log.info("%s: split into %d ranges", self.name, len(page.ranges))
            return Step.OVER
        self._position, self._head = page.lsn, page.head
        if page.full:
            self._read_ahead()
        if page.documents:
            self._handler.handle(page)
            self._events += len(page.documents)
            self._meter.handled(len(page.documents))
            self._at = recorded_at(page.documents[-1]["meta"])
        if page.full and not self._handler.due and self._clock() - self._flushed_at < self._settings.flush:
            return Step.WORKED
        self._flush()
        if page.full:
            return Step.WORKED
        return Step.NEAR if page.size else Step.IDLE

    def _next(self) -> Page | Split:
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            return ahead.result()
        return self._read()

    def _read(self) -> Page | Split:
        lease = self.held.now
        return self._feed.read(lease.range, self._position, lease.rid, limit=self._settings.page)

    def _read_ahead(self) -> None:
        """One page, no more: memory stays bounded and the pages that a crash repeats stay few."""
        if self._executor is not None:
            self._ahead = self._executor.submit(self._read)

    def _failed(self, error: Exception) -> None:
        if not self.failures:
            self._failing_since = self._clock()
        self.failures += 1
        self.error = error
        metrics.retries.add(1, {"consumer": self.consumer.name})
        level = logging.INFO if isinstance(error, Unavailable) else logging.ERROR
        detail = None if isinstance(error, ProjectionError) else error
        _log.log(level, "%s: %s", self.name, error, exc_info=detail)
        self._begin()
