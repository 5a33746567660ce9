"""A transfer: the promise to move money from one account to another, and how it ended.

The money itself moves on the two accounts, step by step; `domain.ledger.transfer_process` says how. The transfer's own
stream keeps what was asked, how it ended (once, completed or failed) and who reverses it.

A reversal is a transfer that names the one it reverses and moves the whole amount back. That there is never a second
one is decided in one place, the stream of the transfer to be reversed: the first step of a reversal claims it there,
before any money is touched, and of two claims the later finds the earlier. A reversal that fails gives its claim back
as its last step before it ends, when it can no longer move money; only then may another one claim the transfer.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from domain.aggregate import Aggregate, CreatedEvent, DomainEvent, personal
from domain.ids import check_id
from domain.ledger import errors
from domain.ledger.values import check_amount, check_asset, check_reason


class Status(StrEnum):
    """A transfer ends once, one way or the other."""

    REQUESTED = "requested"
    COMPLETED = "completed"
    FAILED = "failed"


class Transfer(Aggregate):
    """`amount` of `asset` from account `source` to account `target`."""

    TOPIC = "transfer"

    class Event(DomainEvent):
        """Something that happened to a transfer."""

    class Requested(Event, CreatedEvent):
        TOPIC = "transfer.requested"
        source: str
        target: str
        amount: int
        asset: str
        reverses: str | None
        reference: str | None = personal()
        reason: str | None = personal()

    class Completed(Event):
        TOPIC = "transfer.completed"

        def apply(self, transfer: Transfer) -> None:
            transfer.status = Status.COMPLETED

    class Failed(Event):
        TOPIC = "transfer.failed"
        step: str
        code: str

        def apply(self, transfer: Transfer) -> None:
            transfer.status = Status.FAILED

    class ReversalClaimed(Event):
        TOPIC = "transfer.reversal-claimed"
        by: str

        def apply(self, transfer: Transfer) -> None:
            transfer.reversed_by = self.by

    class ReversalReleased(Event):
        TOPIC = "transfer.reversal-released"
        by: str

        def apply(self, transfer: Transfer) -> None:
            transfer.reversed_by = None

    # State

    source: str
    target: str
    amount: int
    asset: str
    reverses: str | None
    reference: str | None
    status: Status = Status.REQUESTED
    reversed_by: str | None = None

    @property
    def transfer_id(self) -> str:
        """The id that the client chose."""
        return self.id.removeprefix(transfer_stream(""))

    # Rules

    def check_reversal(self, reversal: Transfer) -> None:
        """A completed transfer is reversed by one other transfer, which moves all of it back."""
        if self.status is not Status.COMPLETED:
            raise errors.TransferNotCompleted(transfer=self.transfer_id, status=self.status.value)
        back = (self.target, self.source, self.amount, self.asset)
        if (reversal.source, reversal.target, reversal.amount, reversal.asset) != back:
            raise errors.ReversalMismatch(
                transfer=self.transfer_id, amount=self.amount, asset=self.asset, source=self.target, target=self.source
            )
        if self.reversed_by not in (None, reversal.transfer_id):
            raise errors.AlreadyReversed(transfer=self.transfer_id, by=str(self.reversed_by))

    def _check_end(self, end: Status) -> bool:
        """Whether the transfer is still to end this way; it never ends twice."""
        if self.status not in (Status.REQUESTED, end):
            raise errors.TransferSettled(transfer=self.transfer_id, status=self.status.value)
        return self.status is Status.REQUESTED

    # Commands

    @classmethod
    def request(
        cls,
        transfer_id: str,
        *,
        source: str,
        target: str,
        amount: int,
        asset: str,
        reverses: str | None = None,
        reference: str | None = None,
        reason: str | None = None,
        at: datetime,
    ) -> Transfer:
        """A new transfer. One that `reverses` another says why."""
        for name in (transfer_id, source, target):
            check_id(name)
        check_amount(amount)
        check_asset(asset)
        if reverses is not None:
            check_id(reverses)
            check_reason(reason)
        if source == target:
            raise errors.SameAccount(account=source)
        return cls._create(
            cls.Requested,
            id=transfer_stream(transfer_id),
            timestamp=at,
            source=source,
            target=target,
            amount=amount,
            asset=asset,
            reverses=reverses,
            reference=reference,
            reason=reason,
        )

    def complete(self, *, at: datetime) -> None:
        """The money has arrived."""
        if self._check_end(Status.COMPLETED):
            self.trigger_event(self.Completed, timestamp=at)

    def fail(self, *, step: str, code: str, at: datetime) -> None:
        """No money has moved: `step` was refused with `code`."""
        if self._check_end(Status.FAILED):
            self.trigger_event(self.Failed, timestamp=at, step=step, code=code)

    def claim_reversal(self, reversal: Transfer, *, at: datetime) -> None:
        """From now on only `reversal` may reverse this transfer."""
        self.check_reversal(reversal)
        if self.reversed_by is None:
            self.trigger_event(self.ReversalClaimed, timestamp=at, by=reversal.transfer_id)

    def release_reversal(self, reversal: Transfer, *, at: datetime) -> None:
        """`reversal` has failed, so another one may try."""
        if self.reversed_by == reversal.transfer_id:
            self.trigger_event(self.ReversalReleased, timestamp=at, by=reversal.transfer_id)


def transfer_stream(transfer_id: str) -> str:
    """The name of a transfer's stream."""
    return f"transfer-{transfer_id}"
