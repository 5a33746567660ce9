"""What happened, in a sentence: one per event type of the ledger. The one place that a change of domain rewrites."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from audit.ledger.money import money
from domain.ledger.account import Account
from domain.ledger.transfer import Transfer


def sentence(event: Any) -> str:
    """A domain event for people; of a type that has no sentence here, its name."""
    say = _SENTENCES.get(type(event))
    return say(event) if say else str(getattr(event, "TOPIC", type(event).__name__))


def _opened(event: Account.Opened) -> str:
    name = f", called “{event.name}”" if event.name else ""
    return f"Account opened in {event.asset} for {event.owner}{name}"


def _credited(event: Account.FundsCredited) -> str:
    what = f"Credit of {money(event.amount, event.asset)} by transfer {event.transfer_id}"
    if not event.transfer_id:
        what = f"Deposit of {money(event.amount, event.asset)}"
    return what + _reference(event.reference) + _value_date(event)


def _debited(event: Account.FundsDebited) -> str:
    return f"Withdrawal of {money(event.amount, event.asset)}" + _reference(event.reference) + _value_date(event)


def _hold_placed(event: Account.HoldPlaced) -> str:
    until = f", until {_moment(event.expires_at)}" if event.expires_at else ""
    return (
        f"Hold {event.hold_id} of {money(event.amount, event.asset)}{_for(event.transfer_id)} placed{until}"
        + _reference(event.reference)
    )


def _hold_captured(event: Account.HoldCaptured) -> str:
    rest = f", {money(event.released, event.asset)} released" if event.released else ""
    return f"Hold {event.hold_id} captured{_for(event.transfer_id)}: {money(event.amount, event.asset)}{rest}"


def _hold_released(event: Account.HoldReleased) -> str:
    return f"Hold {event.hold_id} of {money(event.amount, event.asset)}{_for(event.transfer_id)} ended: {event.reason}"


def _limits_set(event: Account.LimitsSet) -> str:
    limits = {"per debit": event.per_debit, "per day": event.per_day}
    said = [f"{name} {value:,} minor units" for name, value in limits.items() if value is not None]
    return f"Limits set: {', '.join(said)}" if said else "Limits lifted"


def _requested(event: Transfer.Requested) -> str:
    what = f"Transfer of {money(event.amount, event.asset)} from {event.source} to {event.target} requested"
    return what + (f", reversing {event.reverses}" if event.reverses else "") + _reference(event.reference)


_SENTENCES: dict[type, Callable[[Any], str]] = {
    Account.Opened: _opened,
    Account.FundsCredited: _credited,
    Account.FundsDebited: _debited,
    Account.HoldPlaced: _hold_placed,
    Account.HoldCaptured: _hold_captured,
    Account.HoldReleased: _hold_released,
    Account.LimitsSet: _limits_set,
    Account.Frozen: lambda event: f"Account frozen: {event.reason}",
    Account.Unfrozen: lambda event: f"Account unfrozen: {event.reason}",
    Account.Closed: lambda event: f"Account closed: {event.reason}",
    Transfer.Requested: _requested,
    Transfer.Completed: lambda _: "Transfer completed",
    Transfer.Failed: lambda event: f"Transfer failed: {event.step} was refused with {event.code}",
    Transfer.ReversalClaimed: lambda event: f"To be reversed by transfer {event.by}",
    Transfer.ReversalReleased: lambda event: f"Transfer {event.by} gave up reversing it",
}


def _reference(text: str | None) -> str:
    return f", “{text}”" if text else ""


def _for(transfer_id: str | None) -> str:
    return f" for transfer {transfer_id}" if transfer_id else ""


def _value_date(event: Account.FundsCredited | Account.FundsDebited) -> str:
    return f", value date {event.effective_date.isoformat()}" if event.effective_date else ""


def _moment(time: datetime) -> str:
    return time.isoformat(sep=" ", timespec="minutes")
