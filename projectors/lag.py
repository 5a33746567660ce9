"""How far each consumer is behind the log.

Positions count transactions, so lag does too; in seconds it is the age of the oldest event that is still to be
applied. One small read of the feed per distinct position.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from projectors.errors import ProjectionError
from projectors.feed import FeedRange, Split
from projectors.lease import Lease
from projectors.stores import Stores


@dataclass(frozen=True, slots=True)
class RangeLag:
    """One lease. `transactions` and `seconds` are 0 when caught up, None when the range has just been split."""

    range: str
    lsn: int | None
    transactions: int | None
    seconds: float | None
    owned: bool
    at: str | None
    events: int


@dataclass(frozen=True, slots=True)
class ConsumerLag:
    """All leases of one consumer."""

    consumer: str
    ranges: list[RangeLag]

    @property
    def transactions(self) -> int:
        return sum(part.transactions or 0 for part in self.ranges)

    @property
    def seconds(self) -> float:
        return max((part.seconds or 0.0 for part in self.ranges), default=0.0)

    @property
    def owned(self) -> bool:
        """Whether a worker has hold of every range."""
        return all(part.owned for part in self.ranges) and bool(self.ranges)


def lag_of(stores: Stores, consumers: Iterable[str], *, now: datetime | None = None) -> list[ConsumerLag]:
    """The lag of each of the consumers, those without leases included (they have not begun)."""
    now = now or datetime.now(UTC)
    seen: dict[tuple[FeedRange, int | None], tuple[int | None, float | None]] = {}
    found = []
    for consumer, leases in stores.leases.of_all(consumers).items():
        parts = []
        for lease in sorted(leases, key=lambda lease: lease.range):
            key = (lease.range, lease.lsn)
            if key not in seen:
                seen[key] = _behind(stores, lease, now)
            transactions, seconds = seen[key]
            owned = not lease.free(now.timestamp())
            parts.append(RangeLag(lease.id, lease.lsn, transactions, seconds, owned, lease.at, lease.events))
        found.append(ConsumerLag(consumer, parts))
    return found


def _behind(stores: Stores, lease: Lease, now: datetime) -> tuple[int | None, float | None]:
    page = stores.feed.read(lease.range, lease.lsn, lease.rid, limit=1)
    if isinstance(page, Split):
        return None, None
    if not page.events:
        return 0, 0.0
    if page.head is None:
        raise ProjectionError(f"{lease.consumer} {lease.id}: the store does not tell its newest position")
    first = datetime.fromisoformat(page.events[0].meta["recorded_at"])
    return page.head - (lease.lsn or 0), max(0.0, (now - first).total_seconds())
