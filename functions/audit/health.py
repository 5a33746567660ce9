"""Health as an auditor asks for it: is anything behind or parked, do the domain's checks hold, and when was
the log last sealed?

Each part is looked at by itself, so that one that cannot be read hides no other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from azure.core.exceptions import AzureError

from audit.digests.digest import Digest
from audit.errors import DigestError
from eventstore.errors import StoreError
from functions.audit.checks import Check, Row, Sources, Verdict
from functions.audit.dependencies import AuditDesk
from functions.audit.lag_history import LagSample
from projectors.errors import ProjectionError
from projectors.lag import ConsumerLag
from projectors.views.dead_letters import DeadLetter, all_dead_letters
from replay.status import Status, status

__all__ = ["CheckResult", "ConsumerHealth", "Health", "health"]

_FAILURES: Final = (AzureError, StoreError, ProjectionError, DigestError)

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
class CheckResult:
    """What a check of the domain came to; `verdict` is the worst of its rows."""

    check: Check
    rows: Sequence[Row]

    @property
    def verdict(self) -> Verdict:
        found = {row.verdict for row in self.rows}
        return "bad" if "bad" in found else "moving" if "moving" in found else "good"


@dataclass(slots=True)
class Health:
    """Everything at one moment; `unknown` maps parts that could not be looked at to why."""

    at: datetime
    consumers: list[ConsumerHealth] = field(default_factory=list)
    parked: list[DeadLetter] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
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

    where = look("consumers", lambda: status(desk.stores, desk.catalog, now=now), Status(now, [], []))
    found.consumers = _consumers(desk, where, now)
    found.parked = look("parked", lambda: _parked(desk, where), [])
    at_rest = all(consumer.transactions == 0 for consumer in found.consumers)
    sources = Sources(desk.stores, desk.views, now, at_rest)
    for check in desk.checks:
        rows = look(check.name, partial(check.look, sources), None)
        if rows is not None:
            found.checks.append(CheckResult(check, rows))
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


def _parked(desk: AuditDesk, where: Status) -> list[DeadLetter]:
    return [
        parked
        for row in where.views
        if row.parked
        for parked in all_dead_letters(desk.stores.views, row.view, row.generation)
    ]


def _digest(desk: AuditDesk) -> Digest | None:
    kept = desk.digests.latest() if desk.digests else None
    return kept.digest if kept else None
