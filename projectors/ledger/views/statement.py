"""What moved on an account: one item per movement, with the balance after it."""

from datetime import UTC, date
from typing import TypeAlias

from domain.ledger.account import Account
from projectors.views.streams.view import UNLISTED, Change, StreamView
from projectors.views.sums.view import exact, whole
from projectors.views.view import on

_Movement: TypeAlias = Account.FundsCredited | Account.FundsDebited | Account.HoldCaptured


class Statement(StreamView):
    """Entries never change; their keys are stream versions in ten digits, so that order by id is order of events.

    { "version", "kind": "deposit" | "withdrawal" | "capture", "amount", "signed", "balance", "asset", "reference",
      "transfer_id", "effective_date", "recorded_at" }

    Beside them lies the reference of each open hold that has one, for the capture: { "hold", "reference" }.
    """

    name = "statement"
    category = "account"
    keyed_by_stream = True
    indexed = ("data.version", "data.effective_date", "data.hold")
    named_by = "hold"
    taking = frozenset((Account.HoldCaptured.TOPIC, Account.HoldReleased.TOPIC))

    @on(Account.Opened)
    def opened(self, change: Change, event: Account.Opened) -> None:
        change.state.update(balance=0, asset=event.asset, holds={})

    @on(Account.FundsCredited)
    def credited(self, change: Change, event: Account.FundsCredited) -> None:
        self._enter(change, event, "deposit", event.amount, event.reference, event.effective_date)

    @on(Account.FundsDebited)
    def debited(self, change: Change, event: Account.FundsDebited) -> None:
        self._enter(change, event, "withdrawal", -event.amount, event.reference, event.effective_date)

    @on(Account.HoldPlaced)
    def hold_placed(self, change: Change, event: Account.HoldPlaced) -> None:
        if event.reference is None:
            change.unnamed(event.hold_id)
        else:
            kept = {"hold": event.hold_id, "reference": event.reference}
            change.create(f"{UNLISTED}{event.hold_id:010d}", kept, name=event.hold_id)

    @on(Account.HoldCaptured)
    def hold_captured(self, change: Change, event: Account.HoldCaptured) -> None:
        self._enter(change, event, "capture", -event.amount, _reference(change, event.hold_id), None)

    @on(Account.HoldReleased)
    def hold_released(self, change: Change, event: Account.HoldReleased) -> None:
        _reference(change, event.hold_id)

    def takes(self, event: Account.HoldCaptured | Account.HoldReleased) -> int:
        return event.hold_id

    @staticmethod
    def _enter(
        change: Change, event: _Movement, kind: str, signed: int, reference: str | None, day: date | None
    ) -> None:
        change.state["balance"] = exact(whole(change.state.get("balance", 0)) + signed)
        change.create(
            f"{event.originator_version:010d}",
            {
                "version": event.originator_version,
                "kind": kind,
                "amount": abs(signed),
                "signed": signed,
                "balance": change.state["balance"],
                "asset": event.asset,
                "reference": reference,
                "transfer_id": getattr(event, "transfer_id", None),
                "effective_date": (day or event.timestamp.astimezone(UTC).date()).isoformat(),
                "recorded_at": change.recorded.meta["recorded_at"],
            },
        )


def _reference(change: Change, hold: int) -> str | None:
    """The reference of a hold that ends; guards of before keep it themselves."""
    kept = change.take(hold) or {"reference": change.state.get("holds", {}).pop(str(hold), None)}
    reference: str | None = kept["reference"]
    return reference
