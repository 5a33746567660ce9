"""The views that there are. A new one is a class in a file of its own and one line here."""

from typing import TypeVar

from projectors.errors import UnknownView
from projectors.ledger.views.account_summary import AccountSummary
from projectors.ledger.views.active_holds import ActiveHolds
from projectors.ledger.views.ledger_totals import LedgerTotals
from projectors.ledger.views.owner_accounts import OwnerAccounts
from projectors.ledger.views.statement import Statement
from projectors.ledger.views.transfer_status import TransferStatus
from projectors.views.streams.view import StreamView
from projectors.views.sums.view import SumView
from projectors.views.view import View

V = TypeVar("V", bound=View)

VIEWS: dict[str, View] = {
    view.name: view
    for view in (AccountSummary(), Statement(), ActiveHolds(), TransferStatus(), LedgerTotals(), OwnerAccounts())
}


def view_named(name: str) -> View:
    """The view of this name; raises UnknownView with the names that there are."""
    return _named(name, View)


def stream_view_named(name: str) -> StreamView:
    """The view of streams of this name; raises UnknownView."""
    return _named(name, StreamView)


def sum_view_named(name: str) -> SumView:
    """The view over many streams of this name; raises UnknownView."""
    return _named(name, SumView)


def _named(name: str, kind: type[V]) -> V:
    view = VIEWS.get(name)
    if isinstance(view, kind):
        return view
    raise UnknownView(name, [known for known, view in VIEWS.items() if isinstance(view, kind)])
