"""What commands take: one model per command. Unknown fields are refused, numbers are never guessed from text."""

from typing import Annotated

from pydantic import Field, StringConstraints

from functions.http.fields import Body, Identifier, Moment, NoFields, Reason, Text, ValueDate, WithReason

__all__ = [
    "Amount",
    "Asset",
    "CaptureHold",
    "Deposit",
    "Identifier",
    "NoFields",
    "OpenAccount",
    "PlaceHold",
    "RequestTransfer",
    "SetLimits",
    "ValueDate",
    "WithReason",
    "Withdraw",
]

_MAX_AMOUNT = 10**15


Amount = Annotated[int, Field(strict=True, ge=1, le=_MAX_AMOUNT, description="in minor units", examples=[500])]
Asset = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,9}/[0-9]{1,2}$")]


class OpenAccount(Body):
    account_id: Identifier = Field(examples=["alice"])
    asset: Asset = Field(description="code and number of decimals", examples=["EUR/2"])
    owner: Identifier | None = Field(
        default=None, description="pseudonymous id of the person or firm behind it; absent: the account's own id"
    )
    name: Text | None = Field(default=None, description="personal: kept so that it can be erased")


class Movement(Body):
    amount: Amount
    reference: Text | None = Field(default=None, description="the caller's own reference")
    effective_date: ValueDate | None = Field(default=None, description="value date; recorded time is the server's")


class Deposit(Movement):
    pass


class Withdraw(Movement):
    pass


class PlaceHold(Body):
    amount: Amount
    expires_at: Moment | None = None
    reference: Text | None = None


class CaptureHold(Body):
    amount: Amount | None = Field(default=None, description="at most the hold; the rest is released; absent: all of it")


class SetLimits(Body):
    per_debit: Amount | None = Field(default=None, description="largest single debit; absent: no limit")
    per_day: Amount | None = Field(default=None, description="sum of the debits of a UTC day; absent: no limit")


class RequestTransfer(Body):
    source: Identifier
    target: Identifier
    amount: Amount
    asset: Asset
    transfer_id: Identifier | None = Field(
        default=None, description="derived from caller and Idempotency-Key when absent"
    )
    reference: Text | None = None
    reverses: Identifier | None = Field(default=None, description="the transfer that this one takes back")
    reason: Reason | None = Field(default=None, description="required for a reversal")
