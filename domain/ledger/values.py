"""What amounts, assets, ids, reasons and times look like, and how the steps of processes are named."""

import re
from typing import Final

from domain.ledger.errors import InvalidAmount, InvalidAsset, ReasonRequired

MAX_AMOUNT: Final = 10**15
"""The largest amount of one command, in minor units."""

MAX_BALANCE: Final = 2**53 - 1
"""The largest balance: every reader of JSON keeps integers exact up to here (RFC 8259, section 6)."""

MAX_HOLDS: Final = 10_000
"""The most open holds of an account: with so many of the largest, its state still fits into a document of 2 MB."""

ASSET: Final = re.compile(r"[A-Z][A-Z0-9]{1,9}/[0-9]{1,2}")
"""Code and scale: 500 of `EUR/2` are 5.00 EUR, 500 of `JPY/0` are 500 JPY."""


def check_amount(amount: int) -> None:
    """Amounts are ints in minor units, 1 to 10^15; `True` is none."""
    if type(amount) is not int or not 1 <= amount <= MAX_AMOUNT:
        raise InvalidAmount(amount=repr(amount), largest=MAX_AMOUNT)


def check_asset(asset: str) -> None:
    """Assets match `ASSET`."""
    if not ASSET.fullmatch(asset):
        raise InvalidAsset(asset=repr(asset))


def check_reason(reason: str | None) -> None:
    """A reason says something."""
    if reason is None or not reason.strip():
        raise ReasonRequired
