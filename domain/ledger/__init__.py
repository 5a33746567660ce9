"""The ledger: accounts, and the transfers between them. Knows no storage, no HTTP and no clock."""

from domain.aggregate import Snapshot, fold, personal_fields
from domain.errors import DomainError, InvalidCommand, Refused
from domain.ledger.account import Account, account_stream
from domain.ledger.existence import require_account, require_no_account, require_no_transfer, require_transfer
from domain.ledger.hold_expiry import ExpiryStep
from domain.ledger.transfer import Transfer, transfer_stream
from domain.ledger.transfer_process import AccountStep, Progress, StepRefused, TransferStep, next_step
from domain.subject import Subject, subject_stream

__all__ = [
    "Account",
    "AccountStep",
    "DomainError",
    "ExpiryStep",
    "InvalidCommand",
    "Progress",
    "Refused",
    "Snapshot",
    "StepRefused",
    "Subject",
    "Transfer",
    "TransferStep",
    "account_stream",
    "fold",
    "next_step",
    "personal_fields",
    "require_account",
    "require_no_account",
    "require_no_transfer",
    "require_transfer",
    "subject_stream",
    "transfer_stream",
]
