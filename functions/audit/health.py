"""Health as an auditor asks for it: is anything behind, stuck, parked or lost, and when was the log last sealed?

Each part is looked at by itself, so that one that cannot be read hides no other.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from azure.core.exceptions import AzureError

from audit.digests.digest import Digest
from audit.errors import DigestError
from eventstore.errors import StoreError
from functions.audit.dependencies import AuditDesk
from functions.audit.lag_history import LagSample
from projectors.errors import ProjectionError
from projectors.generations.generation import partition_key
from projectors.lag import ConsumerLag
from projectors.views.dead_letters import Parked, parked_in
from replay.status import Status, status

__all__ = ["Conservation", "ConsumerHealth", "Health", "Stuck", "health"]

STUCK_AFTER: Final = timedelta(minutes=1)
_LISTED: Final = 50
_FAILURES: Final = (AzureError, StoreError, ProjectionError, DigestError)
_PART: Final = 2**26
_OF_ASSET: Final = "FROM c WHERE STARTSWITH(c.pk, @prefix) AND c.state.asset = @asset"
_HIGH: Final = f"SELECT VALUE SUM(FLOOR(c.state.balance / {_PART})) {_OF_ASSET}"
_LOW: Final = f"SELECT VALUE SUM(c.state.balance - {_PART} * FLOOR(c.state.balance / {_PART})) {_OF_ASSET}"
"""A balance has 53 bits, and so has a sum in a query: sums of halves stay exact for 100 million accounts."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ConsumerHealth:
    """A consumer's lag now and at the last looks. `begun` False: it has no position yet."""

    name: str
    state: str
    transactions: int
    seconds: float
    begun: bool
    worked: bool
    history: list[LagSample]


@dataclass(frozen=True, slots=True)
class Stuck:
    """A transfer that has been open for longer than `STUCK_AFTER`."""

    transfer: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Conservation:
    """Money of one asset: what accounts hold, what came in from outside less what left, and what is credited by
    transfers whose source is still to be debited. `verdict` is "conserved", "broken", or "moving": views not at rest.
    """

    asset: str
    accounts: int
    outside: int
    on_the_way: int
    verdict: str


@dataclass(slots=True)
class Health:
    """Everything at one moment; `unknown` maps parts that could not be looked at to why."""

    at: datetime
    consumers: list[ConsumerHealth] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    stuck: list[Stuck] = field(default_factory=list)
    conservation: list[Conservation] = field(default_factory=list)
    digest: Digest | None = None
    unknown: dict[str, str] = field(default_factory=dict)


def health(desk: AuditDesk, now: datetime) -> Health:
    """Looks at everything once."""
    found = Health(now)

    def look(part: str, at: Callable[[], T], otherwise: T) -> T:
        try:
            return at()
        except _FAILURES as error:
            found.unknown[part] = str(error).splitlines()[0]
            return otherwise

    where = look("consumers", lambda: status(desk.stores, now=now), Status(now, [], []))
    found.consumers = _consumers(desk, where, now)
    found.parked = look("parked", lambda: _parked(desk, where), [])
    found.stuck = look("stuck", lambda: _stuck(desk, now), [])
    at_rest = all(consumer.transactions == 0 for consumer in found.consumers)
    found.conservation = look("conservation", lambda: _conservation(desk, at_rest=at_rest), [])
    found.digest = look("digest", lambda: _digest(desk), None)
    return found


def _consumers(desk: AuditDesk, where: Status, now: datetime) -> list[ConsumerHealth]:
    rows: list[tuple[str, str, ConsumerLag]] = [
        (f"{row.view} v{row.generation}", row.state, row.lag) for row in where.views
    ]
    rows += [(lag.consumer, "consumer", lag) for lag in where.consumers]
    desk.lags.add(now, {name: (lag.transactions, lag.seconds) for name, _, lag in rows if lag.ranges})
    return [
        ConsumerHealth(name, state, lag.transactions, lag.seconds, bool(lag.ranges), lag.owned, desk.lags.of(name))
        for name, state, lag in rows
    ]


def _parked(desk: AuditDesk, where: Status) -> list[Parked]:
    return [
        parked for row in where.views if row.parked for parked in parked_in(desk.stores.views, row.view, row.generation)
    ]


def _stuck(desk: AuditDesk, now: datetime) -> list[Stuck]:
    waiting = desk.open_transfers.requested_until(now - STUCK_AFTER)
    return [Stuck(each.transfer_id, each.requested_at) for each in waiting[:_LISTED]]


def _conservation(desk: AuditDesk, *, at_rest: bool) -> list[Conservation]:
    flows = _flows(desk)
    accounts = {asset: _balances(desk, asset) for asset in flows}
    at_rest = at_rest and _flows(desk) == flows
    found = []
    for asset, (outside, on_the_way) in sorted(flows.items()):
        verdict = "broken" if at_rest else "moving"
        if accounts[asset] == outside + on_the_way:
            verdict = "conserved"
        found.append(Conservation(asset, accounts[asset], outside, on_the_way, verdict))
    return found


def _flows(desk: AuditDesk) -> dict[str, tuple[int, int]]:
    """(from outside less to outside, credited by transfers less debited by them), by asset."""
    sums: dict[str, defaultdict[str, int]] = {}
    for key, amounts in desk.views.sums("ledger-totals", "!", "~").data.items():
        asset = key.partition(":")[0].replace("-", "/")
        day = sums.setdefault(asset, defaultdict(int))
        for name, amount in amounts.items():
            day[name] += amount
    return {
        asset: (
            total["deposits"] - total["withdrawals"] - total["captures"],
            total["transfers_in"] - total["transfers_out"],
        )
        for asset, total in sums.items()
    }


def _balances(desk: AuditDesk, asset: str) -> int:
    serving = desk.stores.registry.of("account-summary").serving
    prefix = partition_key("account-summary", serving, "")
    high, low = (
        sum(int(row) for row in desk.stores.views.query(half, prefix=prefix, asset=asset))  # type: ignore[call-overload]
        for half in (_HIGH, _LOW)
    )
    return int(high * _PART + low)


def _digest(desk: AuditDesk) -> Digest | None:
    kept = desk.digests.latest() if desk.digests else None
    return kept.digest if kept else None
