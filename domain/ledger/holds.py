"""Holds: money set aside, still in the balance, no longer available.

An account numbers its holds from 1 and remembers the open ones only: a number up to `placed` that is not open has
ended, a higher one never was. So a hold ends exactly once, and the state stays small however many have ended.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from domain.ledger.errors import CaptureExceedsHold, HoldNotActive, HoldNotExpired, HoldNotFound, HoldOfTransfer


class ReleaseReason(StrEnum):
    """Why a hold ended without a capture."""

    RELEASED = "released"
    EXPIRED = "expired"
    TRANSFER_FAILED = "transfer-failed"


@dataclass(frozen=True)
class Hold:
    """An open hold, and the UTC day whose limit it counts against."""

    hold_id: int
    amount: int
    day: date
    expires_at: datetime | None
    transfer_id: str | None

    def expired(self, at: datetime) -> bool:
        """Whether the hold's time is over at `at`. Its money stays set aside until it is released."""
        return self.expires_at is not None and at >= self.expires_at

    def check_expired(self, at: datetime) -> None:
        """Only a hold whose time is over is released as expired."""
        if not self.expired(at):
            raise HoldNotExpired(hold=self.hold_id, expires_at=str(self.expires_at or "never"), at=str(at))

    def check_capture(self, amount: int, at: datetime) -> None:
        """A hold is captured before its time is over, and for no more than it sets aside."""
        if self.expired(at):
            raise HoldNotActive(hold=self.hold_id)
        if amount > self.amount:
            raise CaptureExceedsHold(hold=self.hold_id, amount=amount, held=self.amount)


@dataclass
class Holds:
    """The holds of one account."""

    open: dict[int, Hold] = field(default_factory=dict)
    placed: int = 0
    total: int = 0

    def add(self, hold: Hold) -> None:
        """A hold begins."""
        self.open[hold.hold_id] = hold
        self.placed = hold.hold_id
        self.total += hold.amount

    def remove(self, hold_id: int) -> Hold:
        """A hold ends."""
        hold = self.open.pop(hold_id)
        self.total -= hold.amount
        return hold

    def active(self, hold_id: int, transfer_id: str | None = None) -> Hold:
        """The open hold of this number, for the transfer that placed it to end, or for anybody if none did."""
        if not 1 <= hold_id <= self.placed:
            raise HoldNotFound(hold=hold_id)
        if hold_id not in self.open:
            raise HoldNotActive(hold=hold_id)
        hold = self.open[hold_id]
        if hold.transfer_id not in (None, transfer_id):
            raise HoldOfTransfer(hold=hold_id, transfer=str(hold.transfer_id))
        return hold

    def of_transfer(self, transfer_id: str) -> int:
        """The number of the open hold of this transfer."""
        for hold in self.open.values():
            if hold.transfer_id == transfer_id:
                return hold.hold_id
        raise HoldNotFound(hold=f"of transfer {transfer_id}")
