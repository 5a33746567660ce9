"""What a query sees of a view over many streams: the parts of all ranges, added up."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from eventstore.log.position import Position
from projectors.container import Container
from projectors.feed.ranges import FeedRange, effective_key
from projectors.generations.generation import GUARD_PREFIX, partition_key
from projectors.generations.registry import CachedRegistry
from projectors.views.sums.checkpoint import RangeCheckpoint
from projectors.views.sums.late import LATE_PREFIX
from projectors.views.sums.view import BUCKET, SumView, plus

MAX_PARKED = 100
_POLL_MIN, _POLL_MAX = 0.005, 0.1
_SOME_PARKED = f"SELECT TOP {MAX_PARKED} c.stream FROM c WHERE c.id >= @late AND IS_DEFINED(c.upto)"  # noqa: S608 - a number


@dataclass(frozen=True, slots=True)
class SumFreshness:
    """How much of the log the sums reflect.

    `recorded_at` is when the newest event in them was recorded (ISO 8601). `reached` is False when a position was asked
    for and the part that its stream belongs to had not come that far in time. `parked` lists streams of which events
    are missing because they cannot be applied, at most MAX_PARKED of them; `left_out` counts the events that an
    operator left out for good.
    """

    recorded_at: str | None
    generation: int
    reached: bool
    parked: list[str]
    left_out: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums by key, in the order of the keys."""

    data: dict[str, dict[str, int]]
    freshness: SumFreshness


class SumReader:
    """Reads views over many streams: one query of one partition, one more while streams of it are parked."""

    def __init__(
        self, gateway: Container, registry: CachedRegistry, *, clock: Callable[[], float], patience: float
    ) -> None:
        self._gateway = gateway
        self._registry = registry
        self._clock = clock
        self._patience = patience
        self._served: dict[str, dict[FeedRange, int]] = {}
        self._lock = threading.Lock()

    def read(self, view: SumView, first: str, last: str, *, after: Position | None, wait: float) -> Totals:
        """The sums of all keys from `first` to `last`, both included.

        Waits `wait` seconds at most for `after`, and as long as its patience lasts for what it served before.
        """
        served = self._served.get(view.name, {})
        began, delay = self._clock(), _POLL_MIN
        while True:
            generation = self._registry.serving(view.name)
            totals, parts = self._totals(partition_key(view.name, generation, BUCKET), generation, first, last, after)
            behind = not _covers(parts, served)
            patience = self._patience if behind else 0.0 if totals.freshness.reached else wait
            left = began + patience - self._clock()
            if left <= 0:
                break
            time.sleep(min(delay, left))
            delay = min(delay * 2, _POLL_MAX)
        self._remember(view.name, parts)
        return replace(totals, freshness=replace(totals.freshness, reached=False)) if behind else totals

    def _remember(self, view: str, parts: list[RangeCheckpoint]) -> None:
        """Sealed parts end where their children's begin: those count."""
        found = {FeedRange.from_id(part.lease): part.lsn for part in parts if not part.sealed}
        with self._lock:
            served = self._served.get(view, {})
            self._served[view] = {part: max(lsn, served.get(part, 0)) for part, lsn in found.items()}

    def _totals(
        self, partition: str, generation: int, first: str, last: str, after: Position | None
    ) -> tuple[Totals, list[RangeCheckpoint]]:
        rows = self._gateway.query(
            "SELECT * FROM c WHERE (c.key >= @first AND c.key <= @last) OR (c.id >= @guards AND c.id < @late)",
            partition,
            first=first,
            last=last,
            guards=GUARD_PREFIX,
            late=LATE_PREFIX,
        )
        sums: dict[str, dict[str, int]] = {}
        parts = [RangeCheckpoint.from_document(row) for row in rows if row["id"].startswith(GUARD_PREFIX)]
        for row in rows:
            if "key" in row:
                sums[row["key"]] = plus(sums.get(row["key"], {}), row["sums"])
        freshness = SumFreshness(
            recorded_at=max((part.at for part in parts if part.at is not None), default=None),
            generation=generation,
            reached=after is None or _reached(parts, after),
            parked=self._parked(partition, parts),
            left_out=sum(part.left_out + len(part.dropped) for part in parts),
        )
        return Totals({key: sums[key] for key in sorted(sums)}, freshness), parts

    def _parked(self, partition: str, parts: list[RangeCheckpoint]) -> list[str]:
        found = {stream for part in parts for stream in part.late}
        if any(part.parked for part in parts):
            rows = self._gateway.query(_SOME_PARKED, partition, late=LATE_PREFIX)
            found |= {row["stream"] for row in rows}
        return sorted(found)[:MAX_PARKED]


def _reached(parts: list[RangeCheckpoint], after: Position) -> bool:
    """Whether a part of the position's stream has come to its transaction; unknown counts as not."""
    if after.lsn is None:
        return False
    key = effective_key(after.stream)
    return any(part.lsn >= after.lsn and FeedRange.from_id(part.lease).holds(key) for part in parts)


def _covers(parts: list[RangeCheckpoint], served: dict[FeedRange, int]) -> bool:
    """Whether the parts have come as far as others had that were served before, range by range."""
    ranges = [(FeedRange.from_id(part.lease), part.lsn) for part in parts]
    return all(
        any(lsn >= least and (found.covers(feed_range) or feed_range.covers(found)) for found, lsn in ranges)
        for feed_range, least in served.items()
    )
