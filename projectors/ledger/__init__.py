"""The ledger's read side: its views, and the processes that drive transfers and release expired holds."""

from projectors.ledger.views.account_summary import AccountSummary
from projectors.ledger.views.active_holds import ActiveHolds
from projectors.ledger.views.ledger_totals import LedgerTotals
from projectors.ledger.views.owner_accounts import OwnerAccounts
from projectors.ledger.views.statement import Statement
from projectors.ledger.views.transfer_status import TransferStatus
from projectors.views.catalog import Views

__all__ = ["VIEWS"]

VIEWS = Views(AccountSummary(), Statement(), ActiveHolds(), TransferStatus(), LedgerTotals(), OwnerAccounts())
