"""What moved on an account: one item per movement, with the balance after it."""

from datetime import UTC, date

from domain.ledger.account import Account
from projectors.views.streams.view import Change, StreamView
from projectors.views.view import on


class Statement(StreamView):
    """Entries never change; their keys are stream versions in ten digits, so that order by id is order of events.

    { "version", "kind": "deposit" | "withdrawal" | "capture", "amount", "signed", "balance", "asset", "reference",
      "transfer_id", "effective_date", "recorded_at" }
    """

    name = "statement"
    category = "account"
    keyed_by_stream = True
    indexed = ("data.version", "data.effective_date")

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
        change.state["holds"][str(event.hold_id)] = event.reference

    @on(Account.HoldCaptured)
    def hold_captured(self, change: Change, event: Account.HoldCaptured) -> None:
        reference = change.state["holds"].pop(str(event.hold_id))
        self._enter(change, event, "capture", -event.amount, reference, None)

    @on(Account.HoldReleased)
    def hold_released(self, change: Change, event: Account.HoldReleased) -> None:
        del change.state["holds"][str(event.hold_id)]

    @staticmethod
    def _enter(
        change: Change, event: Account.Event, kind: str, signed: int, reference: str | None, day: date | None
    ) -> None:
        change.state["balance"] += signed
        change.create(
            f"{event.originator_version:010d}",
            {
                "version": event.originator_version,
                "kind": kind,
                "amount": abs(signed),
                "signed": signed,
                "balance": change.state["balance"],
                "asset": change.state["asset"],
                "reference": reference,
                "transfer_id": getattr(event, "transfer_id", None),
                "effective_date": (day or event.timestamp.astimezone(UTC).date()).isoformat(),
                "recorded_at": change.recorded.meta["recorded_at"],
            },
        )
