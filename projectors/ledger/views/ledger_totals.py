"""What moved in the whole ledger, by asset and UTC day of the command."""

from datetime import UTC

from domain.ledger.account import Account
from projectors.views.sums.view import Sums, SumView
from projectors.views.view import on


class LedgerTotals(SumView):
    """Keys are `<code>-<scale>:<day>`, e.g. "EUR-2:2026-11-23". Sums are in minor units, but for the two counts.

    `deposits` and `withdrawals` cross the ledger's border, as do `captures`; `transfers_in` and `transfers_out` are
    credits and captures of transfers. What accounts hold, plus what is captured and not yet credited, is at any time
    deposits - withdrawals - captures + transfers_in - transfers_out.
    """

    name = "ledger-totals"
    category = "account"

    @on(Account.Opened)
    def opened(self, sums: Sums, event: Account.Opened) -> None:
        sums.add(_key(event, event.asset), accounts_opened=1)

    @on(Account.FundsCredited)
    def credited(self, sums: Sums, event: Account.FundsCredited) -> None:
        name = "transfers_in" if event.transfer_id else "deposits"
        sums.add(_key(event, event.asset), movements=1, **{name: event.amount})

    @on(Account.FundsDebited)
    def debited(self, sums: Sums, event: Account.FundsDebited) -> None:
        sums.add(_key(event, event.asset), movements=1, withdrawals=event.amount)

    @on(Account.HoldPlaced)
    def hold_placed(self, sums: Sums, event: Account.HoldPlaced) -> None:
        sums.add(_key(event, event.asset), held=event.amount)

    @on(Account.HoldCaptured)
    def hold_captured(self, sums: Sums, event: Account.HoldCaptured) -> None:
        name = "transfers_out" if event.transfer_id else "captures"
        sums.add(_key(event, event.asset), movements=1, held=-event.amount - event.released, **{name: event.amount})

    @on(Account.HoldReleased)
    def hold_released(self, sums: Sums, event: Account.HoldReleased) -> None:
        sums.add(_key(event, event.asset), held=-event.amount)


def _key(event: Account.Event, asset: str) -> str:
    return f"{asset.replace('/', '-')}:{event.timestamp.astimezone(UTC).date().isoformat()}"
