"""Money set aside on an account: one item per open hold, in the order in which they expire."""

from datetime import UTC, datetime

from domain.ledger.account import Account
from projectors.views.streams.view import Change, StreamView
from projectors.views.view import on

_NEVER = datetime.max.replace(tzinfo=UTC)
_TAKING = (Account.HoldCaptured, Account.HoldReleased)


class ActiveHolds(StreamView):
    """{ "hold", "account", "amount", "asset", "transfer_id", "reference", "placed_at", "expires_at" }"""

    name = "active-holds"
    category = "account"
    keyed_by_stream = True
    indexed = ("data.hold", "data.expires_at")
    named_by = "hold"
    taking = frozenset(event.TOPIC for event in _TAKING)

    @on(Account.HoldPlaced)
    def placed(self, change: Change, event: Account.HoldPlaced) -> None:
        key = f"{_utc(event.expires_at or _NEVER)}_{event.hold_id:010d}"
        change.create(
            key,
            {
                "hold": event.hold_id,
                "account": self.key(event.originator_id),
                "amount": event.amount,
                "asset": event.asset,
                "transfer_id": event.transfer_id,
                "reference": event.reference,
                "placed_at": event.timestamp.isoformat(),
                "expires_at": _utc(event.expires_at) if event.expires_at else None,
            },
            name=event.hold_id,
        )

    @on(*_TAKING)
    def ended(self, change: Change, event: Account.HoldCaptured | Account.HoldReleased) -> None:
        change.state.pop(str(event.hold_id), None)  # guards of before list the keys of open holds
        change.take(event.hold_id)

    def takes(self, event: Account.HoldCaptured | Account.HoldReleased) -> int:
        return event.hold_id


def _utc(time: datetime) -> str:
    """Sorts as text as it does as time. Events of old may name a time beyond the years of UTC: that is never."""
    try:
        time = time.astimezone(UTC)
    except OverflowError:
        time = _NEVER
    return time.isoformat(timespec="microseconds")
