"""An account: money of one asset that comes in, is set aside, and goes out. Amounts are ints in minor units.

    balance = available + held

The hold of a transfer never expires, and nobody but the transfer ends it; that is never refused, not even on a frozen
account. So a transfer that holds money can count on both of its endings. That it takes each of its steps only once is
the work of the step's command id: a command id has one outcome, for ever.
"""

from __future__ import annotations

from dataclasses import field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from domain.aggregate import Aggregate, CreatedEvent, DomainEvent, personal
from domain.ids import check_id
from domain.ledger import errors
from domain.ledger.holds import Hold, Holds, ReleaseReason
from domain.ledger.limits import Limits
from domain.ledger.values import MAX_BALANCE, MAX_HOLDS, check_amount, check_asset, check_reason
from domain.times import utc


class Status(StrEnum):
    """A frozen account takes credits but no new debits and holds; a closed one takes nothing."""

    OPEN = "open"
    FROZEN = "frozen"
    CLOSED = "closed"


class Account(Aggregate):
    """The account of one owner (a pseudonymous subject id) in one asset."""

    TOPIC = "account"

    class Event(DomainEvent):
        """Something that happened to an account."""

    class Opened(Event, CreatedEvent):
        TOPIC = "account.opened"
        asset: str
        owner: str
        name: str | None = personal()

    class FundsCredited(Event):
        TOPIC = "account.funds-credited"
        amount: int
        asset: str
        effective_date: date | None
        transfer_id: str | None
        reference: str | None = personal()

        def apply(self, account: Account) -> None:
            account.balance += self.amount

    class FundsDebited(Event):
        TOPIC = "account.funds-debited"
        amount: int
        asset: str
        effective_date: date | None
        reference: str | None = personal()

        def apply(self, account: Account) -> None:
            account.balance -= self.amount
            account.limits = account.limits.debit(self.amount, self.timestamp)

    class HoldPlaced(Event):
        TOPIC = "account.hold-placed"
        hold_id: int
        amount: int
        asset: str
        expires_at: datetime | None
        transfer_id: str | None
        reference: str | None = personal()

        def apply(self, account: Account) -> None:
            account.limits = account.limits.debit(self.amount, self.timestamp)
            day = account.limits.day
            account.holds.add(Hold(self.hold_id, self.amount, day, self.expires_at, self.transfer_id))

    class HoldCaptured(Event):
        TOPIC = "account.hold-captured"
        hold_id: int
        amount: int
        released: int
        asset: str
        transfer_id: str | None

        def apply(self, account: Account) -> None:
            hold = account.holds.remove(self.hold_id)
            account.balance -= self.amount
            account.limits = account.limits.give_back(self.released, hold.day)

    class HoldReleased(Event):
        TOPIC = "account.hold-released"
        hold_id: int
        amount: int
        asset: str
        transfer_id: str | None
        reason: str

        def apply(self, account: Account) -> None:
            hold = account.holds.remove(self.hold_id)
            account.limits = account.limits.give_back(self.amount, hold.day)

    class LimitsSet(Event):
        TOPIC = "account.limits-set"
        per_debit: int | None
        per_day: int | None

        def apply(self, account: Account) -> None:
            account.limits = replace(account.limits, per_debit=self.per_debit, per_day=self.per_day)

    class Frozen(Event):
        TOPIC = "account.frozen"
        reason: str = personal()

        def apply(self, account: Account) -> None:
            account.status = Status.FROZEN

    class Unfrozen(Event):
        TOPIC = "account.unfrozen"
        reason: str = personal()

        def apply(self, account: Account) -> None:
            account.status = Status.OPEN

    class Closed(Event):
        TOPIC = "account.closed"
        reason: str = personal()

        def apply(self, account: Account) -> None:
            account.status = Status.CLOSED

    # State

    asset: str
    owner: str
    name: str | None
    status: Status = Status.OPEN
    balance: int = 0
    holds: Holds = field(default_factory=Holds)
    limits: Limits = field(default_factory=Limits)

    @property
    def account_id(self) -> str:
        """The id that the client chose."""
        return self.id.removeprefix(account_stream(""))

    @property
    def held(self) -> int:
        """What open holds set aside."""
        return self.holds.total

    @property
    def available(self) -> int:
        """What a debit or a hold may use."""
        return self.balance - self.held

    # Rules

    def _check_not_closed(self) -> None:
        if self.status is Status.CLOSED:
            raise errors.AccountClosed(account=self.account_id)

    def check_asset(self, asset: str) -> None:
        """A transfer moves the asset that the account keeps."""
        if asset != self.asset:
            raise errors.AssetMismatch(account=self.account_id, kept=self.asset, asset=asset)

    def _check_debit(self, amount: int, at: datetime) -> None:
        check_amount(amount)
        self._check_not_closed()
        if self.status is Status.FROZEN:
            raise errors.AccountFrozen(account=self.account_id)
        self.limits.check(amount, at)
        if amount > self.available:
            raise errors.InsufficientFunds(amount=amount, asset=self.asset, available=self.available)

    # Commands

    @classmethod
    def open(cls, account_id: str, *, asset: str, owner: str, name: str | None = None, at: datetime) -> Account:
        """A new, empty account of `owner`, a pseudonymous subject id."""
        check_id(account_id)
        check_id(owner)
        check_asset(asset)
        stream = account_stream(account_id)
        return cls._create(cls.Opened, id=stream, asset=asset, owner=owner, name=name, timestamp=at)

    def deposit(
        self,
        amount: int,
        *,
        reference: str | None = None,
        effective_date: date | None = None,
        transfer_id: str | None = None,
        at: datetime,
    ) -> None:
        """Money comes in, from outside or by a transfer."""
        check_amount(amount)
        self._check_not_closed()
        if self.balance + amount > MAX_BALANCE:
            raise errors.BalanceTooLarge(amount=amount, balance=self.balance, asset=self.asset, largest=MAX_BALANCE)
        origin = {"transfer_id": transfer_id, "reference": reference}
        self._move(self.FundsCredited, amount, at, effective_date=effective_date, **origin)

    def withdraw(
        self, amount: int, *, reference: str | None = None, effective_date: date | None = None, at: datetime
    ) -> None:
        """Money leaves to outside."""
        self._check_debit(amount, at)
        self._move(self.FundsDebited, amount, at, reference=reference, effective_date=effective_date)

    def place_hold(
        self,
        amount: int,
        *,
        expires_at: datetime | None = None,
        reference: str | None = None,
        transfer_id: str | None = None,
        at: datetime,
    ) -> None:
        """Money is set aside until captured, released or expired; `holds.placed` is then the number of the hold."""
        expires_at = None if expires_at is None else utc(expires_at)
        if expires_at is not None and expires_at <= at:
            raise errors.InvalidExpiry(at=str(at), expires_at=str(expires_at))
        self._check_debit(amount, at)
        if len(self.holds.open) >= MAX_HOLDS:
            raise errors.TooManyHolds(account=self.account_id, largest=MAX_HOLDS)
        hold = {"hold_id": self.holds.placed + 1, "expires_at": expires_at, "transfer_id": transfer_id}
        self._move(self.HoldPlaced, amount, at, reference=reference, **hold)

    def capture_hold(
        self, hold_id: int, amount: int | None = None, *, transfer_id: str | None = None, at: datetime
    ) -> None:
        """Held money leaves: `amount` of it, or all. What is not captured is released."""
        hold = self.holds.active(hold_id, transfer_id)
        amount = hold.amount if amount is None else amount
        check_amount(amount)
        hold.check_capture(amount, at)
        self._end(self.HoldCaptured, hold, amount, at, released=hold.amount - amount)

    def release_hold(self, hold_id: int, *, transfer_id: str | None = None, at: datetime) -> None:
        """Held money becomes available again, because whoever placed the hold has no more use for it."""
        hold = self.holds.active(hold_id, transfer_id)
        reason = ReleaseReason.TRANSFER_FAILED if hold.transfer_id else ReleaseReason.RELEASED
        self._end(self.HoldReleased, hold, hold.amount, at, reason=reason.value)

    def expire_hold(self, hold_id: int, *, at: datetime) -> None:
        """Held money becomes available again, because the hold's time is over."""
        hold = self.holds.active(hold_id)
        hold.check_expired(at)
        self._end(self.HoldReleased, hold, hold.amount, at, reason=ReleaseReason.EXPIRED.value)

    def set_limits(self, *, per_debit: int | None, per_day: int | None, at: datetime) -> None:
        """From now on debits and holds stay within these limits; None lifts a limit."""
        self._check_not_closed()
        for limit in (per_debit, per_day):
            if limit is not None:
                check_amount(limit)
        if (per_debit, per_day) != (self.limits.per_debit, self.limits.per_day):
            self.trigger_event(self.LimitsSet, per_debit=per_debit, per_day=per_day, timestamp=at)

    def freeze(self, *, reason: str, at: datetime) -> None:
        """No new debits and holds."""
        check_reason(reason)
        self._check_not_closed()
        if self.status is not Status.FROZEN:
            self.trigger_event(self.Frozen, reason=reason, timestamp=at)

    def unfreeze(self, *, reason: str, at: datetime) -> None:
        """Debits and holds again."""
        check_reason(reason)
        self._check_not_closed()
        if self.status is Status.FROZEN:
            self.trigger_event(self.Unfrozen, reason=reason, timestamp=at)

    def close(self, *, reason: str, at: datetime) -> None:
        """Nothing any more. Needs a balance of zero, which also means no open hold."""
        check_reason(reason)
        if self.balance:
            raise errors.AccountNotEmpty(
                account=self.account_id, balance=self.balance, asset=self.asset, held=self.held
            )
        if self.status is not Status.CLOSED:
            self.trigger_event(self.Closed, reason=reason, timestamp=at)

    def _move(self, event: type[Event], amount: int, at: datetime, **fields: Any) -> None:
        self.trigger_event(event, timestamp=at, amount=amount, asset=self.asset, **fields)

    def _end(self, event: type[Event], hold: Hold, amount: int, at: datetime, **fields: Any) -> None:
        self._move(event, amount, at, hold_id=hold.hold_id, transfer_id=hold.transfer_id, **fields)


def account_stream(account_id: str) -> str:
    """The name of an account's stream."""
    return f"account-{account_id}"
