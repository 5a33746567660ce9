"""How a rebuild is asked for, how far it is, and what it came to."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from projectors.throughput.limiter import RateLimiter
from replay.contents.compare import Comparison
from replay.retention import Removed


class Phase(StrEnum):
    """Where a rebuild is."""

    BUILDING = "building"
    COMPARING = "comparing"
    SWITCHING = "switching"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of a rebuild.

    `events` of about `total` are worked out (stored with the next checkpoint), `before` of them by earlier attempts;
    `seconds` since the start; `throttled` and `paced` are seconds waited for 429 and for the limit of request units;
    `request_units` spent. `lag` is how many transactions the serving generation
    is behind meanwhile, None when that is not known.
    """

    view: str
    serves: int
    builds: int
    phase: Phase
    events: int
    total: int
    seconds: float
    request_units: float
    throttled: float
    paced: float
    lag: int | None = None
    before: int = 0

    @property
    def rate(self) -> float:
        """Events per second, of this attempt."""
        return (self.events - self.before) / self.seconds if self.seconds else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds left; None before one per cent is done."""
        if self.events * 100 < self.total or not self.events:
            return None
        return max(0, self.total - self.events) / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild came to. `switched` False: the generation is kept and does not serve.

    `removed` are older generations whose time was over. `lag` is how many transactions the new generation is behind the
    log at the end, None when that is not known.
    `built_seconds` is the time until it had caught up; `progress.seconds` has the comparison too.
    """

    view: str
    before: int
    generation: int
    switched: bool
    comparison: Comparison
    built_seconds: float
    progress: Progress
    removed: list[Removed] = field(default_factory=list)
    lag: int | None = None

    @property
    def rate(self) -> float:
        """Events per second of building, without the comparison and without what earlier attempts had built."""
        return (self.progress.events - self.progress.before) / self.built_seconds if self.built_seconds else 0.0


@dataclass(frozen=True, slots=True)
class RebuildOptions:
    """`allowance` is the one that the client was opened with, where its request units are limited; `park` parks what
    cannot be applied instead of stopping there.

    `accept_changes` switches although items differ: for a view whose code has changed on purpose. `flush` seconds pass
    at most between checkpoints. `workers` processes build, each its ranges of the feed. Afterwards, generations that
    ceased to serve at least `keep` ago are removed, none unless given.
    """

    switch: bool = True
    park: bool = False
    accept_changes: bool = False
    allowance: RateLimiter | None = None
    flush: float = 30.0
    pending: int = 50_000
    workers: int = 1
    keep: timedelta | None = None
