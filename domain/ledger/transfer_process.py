"""How a transfer moves money: a process of small commands, each on one stream, never a transaction over two.

    claim -> hold -> credit -> capture -> complete          all goes well
    claim -> hold -> credit refused -> release -> unclaim -> fail
             (claim and unclaim: only for a reversal, on the stream of the transfer that it reverses)

`next_step` is a pure function from what is known to what is to be done. A driver, outside the domain, runs it:

    progress = Progress(transfer)
    while (step := next_step(progress)) is not None:
        refusal = <run step.decide on step.stream as the command step.command_id>
        progress = progress.after(step, refusal and refusal.code)

Any driver may do so, from the start, at any time, beside any other one, and stop anywhere. What makes that safe:

- A step's command id follows from the transfer's id, and a command id has one outcome for ever. To run a step again is
  to ask for its outcome. As the id also fixes everything else about the step, it is its own fingerprint. No command of
  a client can take it (`values.step_id`).
- Only claim, hold and credit may be refused, and only a recorded refusal counts. A time-out is no refusal: the driver
  runs the same step again.
- Nothing is undone before the refusal that calls for it is recorded. After the credit nothing is refused any more: the
  hold is the transfer's alone, it does not expire, and a frozen account captures it too.
- To give up (`Progress(transfer, give_up=True)`) is to run hold and credit so that they record a refusal. Where one
  of them has been accepted before, that stays its outcome: after an accepted credit the transfer still completes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.ids import step_id
from domain.ledger.account import Account, account_stream
from domain.ledger.errors import TransferGivenUp
from domain.ledger.existence import require_account, require_transfer
from domain.ledger.transfer import Status, Transfer, transfer_stream


class Action(StrEnum):
    """What a step does; the last part of its command id."""

    CLAIM = "claim"
    HOLD = "hold"
    CREDIT = "credit"
    CAPTURE = "capture"
    COMPLETE = "complete"
    RELEASE = "release"
    UNCLAIM = "unclaim"
    FAIL = "fail"


FORWARD: Final = (Action.CLAIM, Action.HOLD, Action.CREDIT, Action.CAPTURE, Action.COMPLETE)
REFUSABLE: Final = frozenset({Action.CLAIM, Action.HOLD, Action.CREDIT})
UNDO: Final = {Action.CLAIM: Action.UNCLAIM, Action.HOLD: Action.RELEASE}


class StepRefused(Exception):
    """A step was refused that cannot be: other hands have been at the streams, and a person has to look at them."""


@dataclass(frozen=True)
class Step:
    """One command of the process, as data."""

    transfer: Transfer
    action: Action

    @property
    def command_id(self) -> str:
        """The same for ever, for this action of this transfer."""
        return step_id("transfer", self.transfer.transfer_id, self.action)


@dataclass(frozen=True)
class AccountStep(Step):
    """A step on the transfer's source or target."""

    give_up: bool = False

    @property
    def account_id(self) -> str:
        """Whose turn it is."""
        return self.transfer.target if self.action is Action.CREDIT else self.transfer.source

    @property
    def stream(self) -> str:
        """Where the step is decided."""
        return account_stream(self.account_id)

    def decide(self, account: Account | None, *, at: datetime) -> Account:
        """The account with the step taken. Raises the refusal that is then the step's outcome."""
        transfer, transfer_id = self.transfer, self.transfer.transfer_id
        if self.give_up:
            raise TransferGivenUp(transfer=transfer_id)
        account = require_account(account, self.account_id)
        if self.action is Action.HOLD:
            account.check_asset(transfer.asset)
            account.place_hold(transfer.amount, reference=transfer.reference, transfer_id=transfer_id, at=at)
        elif self.action is Action.CREDIT:
            account.check_asset(transfer.asset)
            account.deposit(transfer.amount, reference=transfer.reference, transfer_id=transfer_id, at=at)
        elif self.action is Action.CAPTURE:
            account.capture_hold(account.holds.of_transfer(transfer_id), transfer_id=transfer_id, at=at)
        else:
            account.release_hold(account.holds.of_transfer(transfer_id), transfer_id=transfer_id, at=at)
        return account


@dataclass(frozen=True)
class TransferStep(Step):
    """A step on the transfer itself, or on the one that it reverses. A failure says which step was refused, and why."""

    refused: str = ""
    code: str = ""

    @property
    def transfer_id(self) -> str:
        """Whose turn it is."""
        claims = self.action in (Action.CLAIM, Action.UNCLAIM)
        return str(self.transfer.reverses) if claims else self.transfer.transfer_id

    @property
    def stream(self) -> str:
        """Where the step is decided."""
        return transfer_stream(self.transfer_id)

    def decide(self, transfer: Transfer | None, *, at: datetime) -> Transfer:
        """The transfer with the step taken. Raises the refusal that is then the step's outcome."""
        transfer = require_transfer(transfer, self.transfer_id)
        if self.action is Action.CLAIM:
            transfer.claim_reversal(self.transfer, at=at)
        elif self.action is Action.UNCLAIM:
            transfer.release_reversal(self.transfer, at=at)
        elif self.action is Action.COMPLETE:
            transfer.complete(at=at)
        else:
            transfer.fail(step=self.refused, code=self.code, at=at)
        return transfer


@dataclass(frozen=True)
class Progress:
    """What a driver knows of a transfer: the outcome of each step that it has run, None or the code of a refusal."""

    transfer: Transfer
    outcomes: Mapping[Action, str | None] = field(default_factory=dict)
    give_up: bool = False

    def after(self, step: Step, refusal: str | None) -> Progress:
        """What is known once `step` was accepted (None) or refused with a code."""
        if refusal is not None and step.action not in REFUSABLE:
            raise StepRefused(f"{step.command_id} was refused with {refusal}; compare the streams of the transfer")
        return replace(self, outcomes={**self.outcomes, step.action: refusal})


def next_step(progress: Progress) -> AccountStep | TransferStep | None:
    """The step to run now, or None when the transfer has ended."""
    transfer, outcomes = progress.transfer, progress.outcomes
    if transfer.status is not Status.REQUESTED:
        return None
    undo: list[Action] = []
    for action in FORWARD if transfer.reverses else FORWARD[1:]:
        if action not in outcomes:
            return _step(progress, action)
        refusal = outcomes[action]
        if refusal is not None:
            left = [each for each in (*undo, Action.FAIL) if each not in outcomes]
            return _step(progress, left[0], refused=action.value, code=refusal) if left else None
        if action in UNDO:
            undo.insert(0, UNDO[action])
    return None


def _step(progress: Progress, action: Action, *, refused: str = "", code: str = "") -> AccountStep | TransferStep:
    if action in (Action.HOLD, Action.CREDIT):
        return AccountStep(progress.transfer, action, give_up=progress.give_up)
    if action in (Action.CAPTURE, Action.RELEASE):
        return AccountStep(progress.transfer, action)
    if action is Action.FAIL:
        return TransferStep(progress.transfer, action, refused=refused, code=code)
    return TransferStep(progress.transfer, action)
