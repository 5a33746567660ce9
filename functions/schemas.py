"""What commands take: one model per command. Unknown fields are refused, numbers are never guessed from text."""

import re
from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from functions.personal import PERSONAL

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
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _text_of_date(value: object) -> object:
    # pydantic also takes numbers (seconds since 1970) and times at midnight; a value date is one spelling only
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("expected a date as YYYY-MM-DD")
    return value


def _text_of_time(value: object) -> object:
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("expected a time as YYYY-MM-DDTHH:MM:SSZ")
    return value


Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Amount = Annotated[int, Field(strict=True, ge=1, le=_MAX_AMOUNT, description="in minor units", examples=[500])]
Asset = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,9}/[0-9]{1,2}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$"), PERSONAL]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"),
    PERSONAL,
]
ValueDate = Annotated[date, BeforeValidator(_text_of_date)]
Moment = Annotated[AwareDatetime, BeforeValidator(_text_of_time)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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


class NoFields(Body):
    """A command that has nothing to say beyond its path; an empty object or no body at all."""


class WithReason(Body):
    reason: Reason = Field(description="why; kept with the event for the audit")


class SetLimits(Body):
    per_debit: Amount | None = Field(default=None, description="largest single debit; absent: no limit")
    per_day: Amount | None = Field(default=None, description="sum of the debits of a UTC day; absent: no limit")


class RequestTransfer(Body):
    source: Identifier
    target: Identifier
    amount: Amount
    asset: Asset
    transfer_id: Identifier | None = Field(default=None, description="derived from the Idempotency-Key when absent")
    reference: Text | None = None
    reverses: Identifier | None = Field(default=None, description="the transfer that this one takes back")
    reason: Reason | None = Field(default=None, description="required for a reversal")
