"""Works one range for one consumer, a page at a time.

    read a page -> handle it in memory -> renew the lease, with the position before the page -> write

In that order: a renewal between reading and writing keeps a worker that was paused from writing what it read long
ago, and a position stored before the writes would lose them in a crash. The position after the page goes with the next
renewal: the next page's, the one that keeps an idle lease, or the one that gives it back. While full pages follow each
other, handling goes on in memory and one flush serves several pages; the moment the range is caught up everything is
written.
"""

import enum
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime

from eventstore.log.documents import recorded_at
from projectors import metrics, tracing
from projectors.consumer import Consumer, Handler
from projectors.errors import Conflict, LeaseLost, PoisonEvent, ProjectionError, Stopping, Unanswered, Unavailable
from projectors.feed.change_feed import Feed, Page, Split
from projectors.leases.held import HeldLease
from projectors.settings import WorkerSettings
from projectors.throughput.meter import Meter
from projectors.throughput.pulse import Pulse
from projectors.throughput.retries import Retries
from projectors.views.sums.late import bounded

_log = logging.getLogger(__name__)
_SETTLE = 1.0
"""Seconds of silence after which the position is stored by itself."""
_PASSING = 60.0
"""Seconds after which what should pass by itself is told as what stops the range."""


class Step(enum.Enum):
    """What a step came to."""

    WORKED = "there is more at once"
    NEAR = "at the end a moment ago"
    IDLE = "caught up"
    OVER = "this range is no longer this worker's"
    FAILED = "to be tried again after a while"


class RangeProcessor:
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
        self._pulse = Pulse(self.name, clock)
        self._events = 0
        self._begin()

    def _begin(self) -> None:
        """From where everything is done, knowing nothing: what an earlier attempt had in memory is forgotten."""
        self._handler: Handler = self.consumer.open(self.held.now)
        self._position = self.held.now.lsn
        self._ahead: Future[Page | Split] | None = None
        self._forget()
        self._at: str | None = None
        self._head: int | None = None
        self._waiting = 0
        self._flushed_at = self._clock()

    def _forget(self) -> None:
        self._meter.handled(-self._events)
        self._events = 0
        self._metas: list[str] = []

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.consumer.name} {self.held.now.id}"

    @property
    def labels(self) -> dict[str, str]:
        """For metrics."""
        return {"consumer": self.consumer.name, "range": self.held.now.id}

    @property
    def lag(self) -> metrics.Lag:
        """Behind the log, as of the last page."""
        behind = max(0, (self._head or 0) - (self._position or 0))
        if not behind or self._at is None:
            return metrics.Lag(behind, self._waiting, 0.0)
        seconds = (datetime.now(UTC) - datetime.fromisoformat(self._at)).total_seconds()
        return metrics.Lag(behind, self._waiting, max(0.0, seconds))

    @property
    def silence(self) -> float:
        """Seconds since the step under way heard anything from the store; 0 between steps."""
        return self._pulse.silence

    @property
    def hangs(self) -> bool:
        """Whether the step under way waits for something that does not come."""
        return self.silence > self._settings.silence

    @property
    def failing_for(self) -> float:
        """Seconds since the first of the failures that no success has followed; 0 while there is none."""
        return self._clock() - self._failing_since if self.failures else 0.0

    def cancel(self) -> None:
        """The range is no longer wanted here: whoever drives the runner stops after the step under way."""
        self.cancelled = True

    def step(self) -> Step:
        """Works one page. Failures leave nothing behind: the next step starts again from where everything is done."""
        return self._guarded(self._step)

    def finish(self) -> Step:
        """Writes what is still in memory: there is no time for more."""
        return self._guarded(self._finish)

    def _guarded(self, work: Callable[[], Step]) -> Step:
        try:
            with self._pulse.working(), self.held.tally.booking():
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
        self.held.stands(None)
        return step

    def _finish(self) -> Step:
        self._flush()
        return Step.WORKED

    def _flush(self) -> None:
        """Writes what is handled; its position goes with the next renewal."""
        if self._position == self.held.now.lsn:
            return
        began = time.time_ns()
        self.held.renew()
        self._handler.flush()
        lease = self.held.now
        self.held.done(
            self._position, events=lease.events + self._events, at=self._at or lease.at, head=self._head or lease.head
        )
        self._meter.applied(self._events)
        metrics.events.add(self._events, {"consumer": self.consumer.name})
        if self._events:
            tracing.applied(self.labels, self._events, self._metas, began=began)
        self._events, self._metas, self._flushed_at = 0, [], self._clock()

    def _step(self) -> Step:
        page = self._next()
        if isinstance(page, Split):
            self._flush()
            self.held.split(page.ranges)
            _log.info("%s: split into %d ranges", self.name, len(page.ranges))
            return Step.OVER
        self._waiting = page.events_in(max(0, (page.head or 0) - (page.lsn or 0)), self._position)
        self._position, self._head = page.lsn, page.head
        if page.full:
            self._read_ahead()
        if page.documents:
            self._handler.handle(page)
            self._events += len(page.documents)
            self._meter.handled(len(page.documents))
            self._at = recorded_at(page.documents[-1]["meta"])
            self._metas += [document["meta"] for document in page.documents[: tracing.MAX_LINKS - len(self._metas)]]
        if page.full and not self._handler.due and self._clock() - self._flushed_at < self._settings.flush:
            return Step.WORKED
        self._flush()
        if page.full:
            return Step.WORKED
        if page.size:
            return Step.NEAR
        if self.held.unwritten and self._clock() - self._flushed_at >= _SETTLE:
            self.held.renew()
        return Step.IDLE

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
        if not isinstance(error, Conflict | Unanswered):  # those were booked where they were answered
            self.held.tally.add(Retries(errors=1))
        passing = isinstance(error, Unavailable) and self.failing_for < _PASSING
        level = logging.INFO if passing else logging.ERROR
        if not passing:
            self.held.stands(bounded(f"{type(error).__name__}: {error}"))
        detail = None if isinstance(error, ProjectionError) else error
        _log.log(level, "%s: %s", self.name, error, exc_info=detail)
        self._begin()
