"""Given events, when a command, then events or a refusal.

    given(opened(), credited(500)).when(lambda account: account.withdraw(200, at=NOON)).then(debited(200))
    given(opened()).when(lambda account: account.withdraw(200, at=NOON)).refused(InsufficientFunds, available=0)

Whatever the rule, each scenario also checks that events and snapshots give the same aggregate again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from domain.ledger import Account, DomainError, Snapshot, Transfer, account_stream, fold, transfer_stream
from tests.ledger.domain.ledger import check_storable

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Fact:
    """An event without its place in a stream."""

    event_class: type
    fields: dict[str, Any]
    at: datetime = NOON

    def on(self, stream: str, version: int) -> Any:
        return self.event_class(originator_id=stream, originator_version=version, timestamp=self.at, **self.fields)


def opened(asset: str = "EUR/2", owner: str = "subject-1", name: str | None = None) -> Fact:
    return Fact(Account.Opened, {"originator_topic": "account", "asset": asset, "owner": owner, "name": name})


def credited(amount: int, **fields: Any) -> Fact:
    optional = {"asset": "EUR/2", "effective_date": None, "transfer_id": None, "reference": None}
    return Fact(Account.FundsCredited, {**optional, "amount": amount, **fields})


def debited(amount: int, at: datetime = NOON, **fields: Any) -> Fact:
    optional = {"asset": "EUR/2", "effective_date": None, "reference": None}
    return Fact(Account.FundsDebited, {**optional, "amount": amount, **fields}, at)


def held(hold_id: int, amount: int, at: datetime = NOON, **fields: Any) -> Fact:
    optional = {"asset": "EUR/2", "expires_at": None, "transfer_id": None, "reference": None}
    return Fact(Account.HoldPlaced, {**optional, "hold_id": hold_id, "amount": amount, **fields}, at)


def captured(hold_id: int, amount: int, released: int = 0, at: datetime = NOON, transfer_id: str | None = None) -> Fact:
    fields = {"hold_id": hold_id, "amount": amount, "released": released, "asset": "EUR/2", "transfer_id": transfer_id}
    return Fact(Account.HoldCaptured, fields, at)


def released(
    hold_id: int, amount: int, reason: str = "released", at: datetime = NOON, transfer_id: str | None = None
) -> Fact:
    fields = {"hold_id": hold_id, "amount": amount, "asset": "EUR/2", "transfer_id": transfer_id, "reason": reason}
    return Fact(Account.HoldReleased, fields, at)


def limited(per_debit: int | None = None, per_day: int | None = None) -> Fact:
    return Fact(Account.LimitsSet, {"per_debit": per_debit, "per_day": per_day})


def frozen(reason: str = "under investigation") -> Fact:
    return Fact(Account.Frozen, {"reason": reason})


def unfrozen(reason: str = "cleared") -> Fact:
    return Fact(Account.Unfrozen, {"reason": reason})


def closed(reason: str = "owner left") -> Fact:
    return Fact(Account.Closed, {"reason": reason})


def requested(**fields: Any) -> Fact:
    movement = {"source": "alice", "target": "bob", "amount": 500, "asset": "EUR/2"}
    optional = {"originator_topic": "transfer", "reverses": None, "reference": None, "reason": None}
    return Fact(Transfer.Requested, {**optional, **movement, **fields})


def completed() -> Fact:
    return Fact(Transfer.Completed, {})


def failed(step: str = "hold", code: str = "INSUFFICIENT_FUNDS") -> Fact:
    return Fact(Transfer.Failed, {"step": step, "code": code})


def reversal_claimed(by: str) -> Fact:
    return Fact(Transfer.ReversalClaimed, {"by": by})


def reversal_released(by: str) -> Fact:
    return Fact(Transfer.ReversalReleased, {"by": by})


def given(*history: Fact, stream: str | None = None) -> "Given":
    return Given(history, stream)


class Given:
    def __init__(self, history: tuple[Fact, ...], stream: str | None) -> None:
        is_transfer = bool(history) and issubclass(history[0].event_class, Transfer.Event)
        self.stream = stream or (transfer_stream("t1") if is_transfer else account_stream("alice"))
        self.events = [fact.on(self.stream, version) for version, fact in enumerate(history, start=1)]

    @property
    def aggregate(self) -> Any:
        return fold(None, self.events)

    def when(self, command: Callable[[Any], Any]) -> "Then":
        """`command` gets the aggregate, None without history, and may return a new one."""
        aggregate = self.aggregate
        try:
            aggregate = command(aggregate) or aggregate
        except DomainError as error:
            return Then(self, aggregate, error)
        return Then(self, aggregate, None)


class Then:
    def __init__(self, before: Given, aggregate: Any, error: DomainError | None) -> None:
        self._before, self._aggregate, self._error = before, aggregate, error

    def then(self, *facts: Fact) -> Any:
        """Exactly these events, in fields and times; none for a command without effect. Gives the aggregate back."""
        assert self._error is None, f"refused: {self._error}"
        happened = list(self._aggregate.collect_events())
        check_storable(happened)
        version = len(self._before.events)
        stream = self._aggregate.id
        assert happened == [fact.on(stream, version + place) for place, fact in enumerate(facts, start=1)]
        self._check_is_the_same_again([*self._before.events, *happened])
        return self._aggregate

    def refused(self, error: type[DomainError], **details: str | int) -> None:
        """Refused with this error and at least these details; nothing has changed."""
        assert type(self._error) is error, f"not refused with {error.code} but {self._error!r}"
        assert details.items() <= self._error.details.items()
        assert json.loads(json.dumps(self._error.details)) == self._error.details
        assert self._error.message == str(self._error)
        assert all(str(value) in self._error.message for value in details.values())
        assert self._aggregate == self._before.aggregate

    def _check_is_the_same_again(self, events: list[Any]) -> None:
        assert fold(None, events) == self._aggregate
        snapshot = Snapshot.take(self._aggregate)
        assert json.loads(json.dumps(snapshot.state)) == snapshot.state
        assert fold(None, [snapshot]) == self._aggregate
