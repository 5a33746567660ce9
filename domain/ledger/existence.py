"""Whether there is an account or a transfer of an id: the rules for those who find a stream, or none."""

from domain.ledger.account import Account
from domain.ledger.errors import AccountExists, AccountNotFound, TransferExists, TransferNotFound
from domain.ledger.transfer import Transfer


def require_account(account: Account | None, account_id: str) -> Account:
    """An account is opened before anything else happens to it."""
    if account is None:
        raise AccountNotFound(account=account_id)
    return account


def require_no_account(account: Account | None) -> None:
    """An id names one account, for ever."""
    if account is not None:
        raise AccountExists(account=account.account_id)


def require_transfer(transfer: Transfer | None, transfer_id: str) -> Transfer:
    """A transfer is requested before anything else happens to it."""
    if transfer is None:
        raise TransferNotFound(transfer=transfer_id)
    return transfer


def require_no_transfer(transfer: Transfer | None) -> None:
    """An id names one transfer, for ever."""
    if transfer is not None:
        raise TransferExists(transfer=transfer.transfer_id)
