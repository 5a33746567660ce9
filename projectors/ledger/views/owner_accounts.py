"""The accounts of an owner: a sum of 1 for each account, a document each."""

from domain.ledger.account import Account
from projectors.views.sums.view import Sums, SumView
from projectors.views.view import on


class OwnerAccounts(SumView):
    """Keys are owners (pseudonymous subject ids), sums are named after the accounts that they opened."""

    name = "owner-accounts"
    category = "account"
    apart = True

    @on(Account.Opened)
    def opened(self, sums: Sums, event: Account.Opened) -> None:
        sums.add(event.owner, **{self.key(event.originator_id): 1})
