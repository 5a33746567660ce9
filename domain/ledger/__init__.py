"""The ledger: accounts, and the transfers between them. Knows no storage, no HTTP and no clock."""

from typing import Any, Final

from domain.aggregate import Aggregate, Snapshot, fold, personal_fields
from domain.errors import DomainError, InvalidCommand, Refused
from domain.ledger.account import Account, account_stream
from domain.ledger.existence import require_account, require_no_account, require_no_transfer, require_transfer
from domain.ledger.hold_expiry import ExpiryStep
from domain.ledger.transfer import Transfer, transfer_stream
from domain.ledger.transfer_process import AccountStep, Progress, StepRefused, TransferStep, next_step
from domain.model import Model
from domain.subject import Subject, subject_stream

__all__ = [
    "MODEL",
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


def _carries_texts(fields: dict[str, Any]) -> bool:
    """The steps of a transfer carry the text of its request on, where it was encrypted."""
    return fields.get("transfer_id") is not None


def _subject_of(aggregate: Aggregate) -> str | None:
    return aggregate.owner if isinstance(aggregate, Account) else None


MODEL: Final = Model(
    aggregates=(Account, Transfer, Subject),
    subject_of=_subject_of,
    carries_texts=_carries_texts,
)
