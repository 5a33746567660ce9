"""Refusals of the ledger, each with the HTTP status that answers it."""

from collections.abc import Mapping
from typing import Final

__all__ = ["REFUSALS"]

REFUSALS: Final[Mapping[str, int]] = {
    "ACCOUNT_NOT_FOUND": 404,
    "HOLD_NOT_FOUND": 404,
    "TRANSFER_NOT_FOUND": 404,
    "ACCOUNT_EXISTS": 409,
    "ACCOUNT_FROZEN": 409,
    "ACCOUNT_CLOSED": 409,
    "ACCOUNT_NOT_EMPTY": 409,
    "HOLD_NOT_ACTIVE": 409,
    "HOLD_NOT_EXPIRED": 409,
    "HOLD_OF_TRANSFER": 409,
    "ALREADY_REVERSED": 409,
    "TRANSFER_EXISTS": 409,
    "TRANSFER_GIVEN_UP": 409,
    "TRANSFER_NOT_COMPLETED": 409,
    "TRANSFER_SETTLED": 409,
    "INSUFFICIENT_FUNDS": 422,
    "LIMIT_EXCEEDED": 422,
    "CAPTURE_EXCEEDS_HOLD": 422,
    "TOO_MANY_HOLDS": 422,
    "ASSET_MISMATCH": 422,
    "SAME_ACCOUNT": 422,
    "BALANCE_TOO_LARGE": 422,
    "REVERSAL_MISMATCH": 422,
}
