"""What an account has and is: one item per account."""

from typing import Any, ClassVar

from domain.ledger.account import Account, Status
from projectors.views.streams.view import Change, StreamView
from projectors.views.sums.view import exact, whole
from projectors.views.view import on


class AccountSummary(StreamView):
    """Balance, held, available, status, owner and limits, as of the last event."""

    name = "account-summary"
    category = "account"
    indexed = ("state.asset",)

    @on(Account.Opened)
    def opened(self, change: Change, event: Account.Opened) -> None:
        change.state.update(
            account=self.key(event.originator_id),
            asset=event.asset,
            owner=event.owner,
            name=event.name,
            status=Status.OPEN.value,
            balance=0,
            held=0,
            available=0,
            limits={"per_debit": None, "per_day": None},
            opened_at=event.timestamp.isoformat(),
        )

    @on(Account.FundsCredited)
    def credited(self, change: Change, event: Account.FundsCredited) -> None:
        _move(change.state, balance=event.amount)

    @on(Account.FundsDebited)
    def debited(self, change: Change, event: Account.FundsDebited) -> None:
        _move(change.state, balance=-event.amount)

    @on(Account.HoldPlaced)
    def hold_placed(self, change: Change, event: Account.HoldPlaced) -> None:
        _move(change.state, held=event.amount)

    @on(Account.HoldCaptured)
    def hold_captured(self, change: Change, event: Account.HoldCaptured) -> None:
        _move(change.state, balance=-event.amount, held=-event.amount - event.released)

    @on(Account.HoldReleased)
    def hold_released(self, change: Change, event: Account.HoldReleased) -> None:
        _move(change.state, held=-event.amount)

    @on(Account.LimitsSet)
    def limits_set(self, change: Change, event: Account.LimitsSet) -> None:
        change.state["limits"] = {"per_debit": event.per_debit, "per_day": event.per_day}

    _STATUS: ClassVar = {
        Account.Frozen: Status.FROZEN.value,
        Account.Unfrozen: Status.OPEN.value,
        Account.Closed: Status.CLOSED.value,
    }

    @on(Account.Frozen, Account.Unfrozen, Account.Closed)
    def status_changed(self, change: Change, event: Account.Event) -> None:
        change.state["status"] = self._STATUS[type(event)]


def _move(state: dict[str, Any], *, balance: int = 0, held: int = 0) -> None:
    """Begins at nothing where the account's opening was left out, and goes beyond what an account can have."""
    balance += whole(state.get("balance", 0))
    held += whole(state.get("held", 0))
    state.update(balance=exact(balance), held=exact(held), available=exact(balance - held))
