"""The ledger: accounts and the transfers between them. Knows no storage, no HTTP, no clock."""

from domain.account import Account, account_stream, require_account, require_no_account
from domain.aggregate import Snapshot, fold, personal_fields
from domain.errors import DomainError, InvalidCommand, Refused

__all__ = [
    "Account",
    "DomainError",
    "InvalidCommand",
    "Refused",
    "Snapshot",
    "account_stream",
    "fold",
    "personal_fields",
    "require_account",
    "require_no_account",
]
