"""The ledger once more, as plain as can be: what each command should answer, and what accounts should then have."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass
class ModelHold:
    amount: int
    day: date
    expires_at: datetime | None
    transfer: str | None


@dataclass
class ModelAccount:
    """Every command answers with the code of its refusal, or None."""

    asset: str
    balance: int = 0
    open_holds: dict[int, ModelHold] = field(default_factory=dict)
    ended_holds: set[int] = field(default_factory=set)
    frozen: bool = False
    closed: bool = False
    per_debit: int | None = None
    per_day: int | None = None
    latest_day: date = date.min
    spent: dict[date, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def held(self) -> int:
        return sum(hold.amount for hold in self.open_holds.values())

    def deposit(self, amount: int) -> str | None:
        if self.closed:
            return "ACCOUNT_CLOSED"
        self.balance += amount
        return None

    def withdraw(self, amount: int, at: datetime) -> str | None:
        refusal = self._debit(amount, at)
        if not refusal:
            self.balance -= amount
        return refusal

    def place_hold(
        self, amount: int, at: datetime, expires_at: datetime | None = None, transfer: str | None = None
    ) -> str | None:
        refusal = self._debit(amount, at)
        if not refusal:
            number = len(self.open_holds) + len(self.ended_holds) + 1
            self.open_holds[number] = ModelHold(amount, self.latest_day, expires_at, transfer)
        return refusal

    def capture(self, number: int, amount: int | None, at: datetime, transfer: str | None = None) -> str | None:
        refusal = self._not_mine(number, transfer)
        if refusal:
            return refusal
        hold = self.open_holds[number]
        if hold.expires_at and at >= hold.expires_at:
            return "HOLD_NOT_ACTIVE"
        amount = amount or hold.amount
        if amount > hold.amount:
            return "CAPTURE_EXCEEDS_HOLD"
        self._end(number, amount)
        return None

    def release(self, number: int, transfer: str | None = None) -> str | None:
        refusal = self._not_mine(number, transfer)
        if not refusal:
            self._end(number, 0)
        return refusal

    def expire(self, number: int, at: datetime) -> str | None:
        refusal = self._not_mine(number, None)
        if refusal:
            return refusal
        expires_at = self.open_holds[number].expires_at
        if expires_at is None or at < expires_at:
            return "HOLD_NOT_EXPIRED"
        self._end(number, 0)
        return None

    def freeze(self, frozen: bool) -> str | None:
        if self.closed:
            return "ACCOUNT_CLOSED"
        self.frozen = frozen
        return None

    def set_limits(self, per_debit: int | None, per_day: int | None) -> str | None:
        if self.closed:
            return "ACCOUNT_CLOSED"
        self.per_debit, self.per_day = per_debit, per_day
        return None

    def close(self) -> str | None:
        if self.balance:
            return "ACCOUNT_NOT_EMPTY"
        self.closed = True
        return None

    def number_for(self, transfer: str) -> int:
        return next(number for number, hold in self.open_holds.items() if hold.transfer == transfer)

    def _debit(self, amount: int, at: datetime) -> str | None:
        day = max(self.latest_day, at.date())
        refusals: dict[str, Callable[[], bool]] = {
            "ACCOUNT_CLOSED": lambda: self.closed,
            "ACCOUNT_FROZEN": lambda: self.frozen,
            "LIMIT_EXCEEDED": lambda: (
                amount > (self.per_debit or amount)
                or self.spent[day] + amount > (self.per_day or self.spent[day] + amount)
            ),
            "INSUFFICIENT_FUNDS": lambda: amount > self.balance - self.held,
        }
        for code, refuses in refusals.items():
            if refuses():
                return code
        self.latest_day = day
        self.spent[day] += amount
        return None

    def _not_mine(self, number: int, transfer: str | None) -> str | None:
        if number in self.ended_holds:
            return "HOLD_NOT_ACTIVE"
        if number not in self.open_holds:
            return "HOLD_NOT_FOUND"
        return "HOLD_OF_TRANSFER" if self.open_holds[number].transfer not in (None, transfer) else None

    def _end(self, number: int, captured: int) -> None:
        hold = self.open_holds.pop(number)
        self.ended_holds.add(number)
        self.balance -= captured
        self.spent[hold.day] -= hold.amount - captured


@dataclass
class ModelTransfer:
    source: str
    target: str
    amount: int
    asset: str
    reverses: str | None
    status: str = "requested"
    reversed_by: str | None = None


@dataclass
class Model:
    accounts: dict[str, ModelAccount] = field(default_factory=dict)
    transfers: dict[str, ModelTransfer] = field(default_factory=dict)

    def step(self, transfer_id: str, action: str, at: datetime) -> str | None:
        """The first run of a step that is not there to record a failure or to give up."""
        transfer = self.transfers[transfer_id]
        if action in ("claim", "unclaim"):
            return self._claim(transfer_id, transfer) if action == "claim" else self._unclaim(transfer)
        if action in ("complete", "fail"):
            transfer.status = "completed" if action == "complete" else "failed"
            return None
        account = self.accounts.get(transfer.target if action == "credit" else transfer.source)
        if account is None:
            return "ACCOUNT_NOT_FOUND"
        if action in ("hold", "credit") and account.asset != transfer.asset:
            return "ASSET_MISMATCH"
        if action == "hold":
            return account.place_hold(transfer.amount, at, transfer=transfer_id)
        if action == "credit":
            return account.deposit(transfer.amount)
        number = account.number_for(transfer_id)
        if action == "capture":
            return account.capture(number, None, at, transfer=transfer_id)
        return account.release(number, transfer=transfer_id)

    def _claim(self, transfer_id: str, reversal: ModelTransfer) -> str | None:
        original = self.transfers[str(reversal.reverses)]
        if original.status != "completed":
            return "TRANSFER_NOT_COMPLETED"
        if (original.source, original.target, original.amount) != (reversal.target, reversal.source, reversal.amount):
            return "REVERSAL_MISMATCH"
        if original.reversed_by:
            return "ALREADY_REVERSED"
        original.reversed_by = transfer_id
        return None

    def _unclaim(self, reversal: ModelTransfer) -> None:
        self.transfers[str(reversal.reverses)].reversed_by = None
