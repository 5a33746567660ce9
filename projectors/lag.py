"""How far each consumer is behind the log, how fast it goes, and what it had to do again.

Positions count transactions, so lag in transactions is exact. Lag in events is counted where one small page reaches
the end of the feed, else reckoned from that page. In seconds it is the age of the oldest event still to be applied.
One small read of the feed per distinct position; rates and retries are in the leases.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from eventstore.log.documents import recorded_at
from projectors.database import Database
from projectors.errors import ProjectionError
from projectors.feed.change_feed import Split
from projectors.feed.ranges import FeedRange
from projectors.leases.lease import Lease
from projectors.throughput.retries import NO_RETRIES, Retries, Sample

_SAMPLE = 100
"""Documents of the page that tells how many events wait: at most about as many kilobytes of the feed."""


@dataclass(frozen=True, slots=True)
class RangeLag:
    """One lease.

    `transactions`, `events` and `seconds` are what is behind the log, 0 when caught up, None when the range has just
    been split; `counted` is False when `events` is reckoned. `applied` events and `retries` are totals of the range,
    `recent_events` and `recent_retries` those of the last `recent_seconds`. `error` is why the range stands still.
    """

    range: str
    lsn: int | None
    transactions: int | None
    events: int | None
    counted: bool
    seconds: float | None
    owned: bool
    at: str | None
    applied: int
    retries: Retries
    recent_seconds: float
    recent_events: int
    recent_retries: Retries
    error: str | None


@dataclass(frozen=True, slots=True)
class ConsumerLag:
    """All leases of one consumer."""

    consumer: str
    ranges: list[RangeLag]

    @property
    def transactions(self) -> int:
        return sum(part.transactions or 0 for part in self.ranges)

    @property
    def events(self) -> int:
        return sum(part.events or 0 for part in self.ranges)

    @property
    def counted(self) -> bool:
        """Whether `events` is exact."""
        return all(part.counted for part in self.ranges)

    @property
    def seconds(self) -> float:
        return max((part.seconds or 0.0 for part in self.ranges), default=0.0)

    @property
    def owned(self) -> bool:
        """Whether a worker has hold of every range."""
        return all(part.owned for part in self.ranges) and bool(self.ranges)

    @property
    def rate(self) -> float:
        """Events per second, of late."""
        return sum(part.recent_events / part.recent_seconds for part in self.ranges if part.recent_seconds)

    @property
    def retries(self) -> Retries:
        """Of the last `recent_seconds`."""
        return sum((part.recent_retries for part in self.ranges), NO_RETRIES)

    @property
    def recent_seconds(self) -> float:
        return max((part.recent_seconds for part in self.ranges), default=0.0)

    @property
    def errors(self) -> list[str]:
        """Why ranges stand still, each reason once."""
        return sorted({part.error for part in self.ranges if part.error is not None})

    def since(self, before: "ConsumerLag", seconds: float) -> "ConsumerLag":
        """The same with what happened since an earlier look, `seconds` ago, as what is recent.

        A range is known by where it begins: of one that was split the first part goes on with its totals.
        """
        known = {_begin(part): part for part in before.ranges}
        return replace(self, ranges=[_since(part, known.get(_begin(part)), seconds) for part in self.ranges])


def lag_of(stores: Database, consumers: Iterable[str], *, now: datetime | None = None) -> list[ConsumerLag]:
    """The lag of each of the consumers, those without leases included (they have not begun)."""
    now = now or datetime.now(UTC)
    seen: dict[tuple[FeedRange, int | None], _Behind] = {}
    found = []
    for consumer, leases in stores.leases.of_all(consumers).items():
        parts = []
        for lease in leases:
            key = (lease.range, lease.lsn)
            if key not in seen:
                seen[key] = _behind(stores, lease, now)
            parts.append(_range_lag(lease, seen[key], now.timestamp()))
        found.append(ConsumerLag(consumer, parts))
    return found


class _Behind(NamedTuple):
    transactions: int | None
    events: int | None
    counted: bool
    seconds: float | None


def _behind(stores: Database, lease: Lease, now: datetime) -> _Behind:
    page = stores.feed.read(lease.range, lease.lsn, lease.rid, limit=_SAMPLE)
    if isinstance(page, Split):
        return _Behind(None, None, False, None)
    if not page.size:
        return _Behind(0, 0, True, 0.0)
    if page.head is None:
        raise ProjectionError(f"{lease.consumer} {lease.id}: the store does not tell its newest position")
    transactions = page.head - (lease.lsn or 0)
    events = page.events_in(transactions, lease.lsn) if page.full else len(page.documents)
    if not page.documents:
        return _Behind(transactions, events, not page.full, 0.0)
    first = datetime.fromisoformat(recorded_at(page.documents[0]["meta"]))
    return _Behind(transactions, events, not page.full, max(0.0, (now - first).total_seconds()))


def _range_lag(lease: Lease, behind: _Behind, now: float) -> RangeLag:
    before = lease.marks[0] if lease.marks else Sample(now, lease.events, lease.retries)
    return RangeLag(
        range=lease.id,
        lsn=lease.lsn,
        transactions=behind.transactions,
        events=behind.events,
        counted=behind.counted,
        seconds=behind.seconds,
        owned=not lease.free(now),
        at=lease.at,
        applied=lease.events,
        retries=lease.retries,
        recent_seconds=round(max(0.0, now - before.at), 3),
        recent_events=lease.events - before.events,
        recent_retries=lease.retries - before.retries,
        error=lease.error,
    )


def _begin(part: RangeLag) -> str:
    return part.range.partition("-")[0]


def _since(part: RangeLag, before: RangeLag | None, seconds: float) -> RangeLag:
    """A range that is new since then has all of its totals from since then."""
    events, retries = (before.applied, before.retries) if before else (0, NO_RETRIES)
    return replace(
        part,
        recent_seconds=round(seconds, 3),
        recent_events=max(0, part.applied - events),
        recent_retries=part.retries - retries,
    )
