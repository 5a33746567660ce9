"""Fields that bodies are made of: identifiers, personal texts, dates and moments."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from functions.http.personal import PERSONAL

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


def _has_place_in_utc(value: datetime) -> datetime:
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a time in the years 1 to 9999 of UTC") from None
    return value


Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


Text = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$"), PERSONAL]


Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"),
    PERSONAL,
]


ValueDate = Annotated[date, BeforeValidator(_text_of_date)]


Moment = Annotated[AwareDatetime, BeforeValidator(_text_of_time), AfterValidator(_has_place_in_utc)]
"""Stays as it was spelled, so that the same body is the same command; the domain keeps it in UTC."""


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoFields(Body):
    """A command that has nothing to say beyond its path; an empty object or no body at all."""


class WithReason(Body):
    reason: Reason = Field(description="why; kept with the event for the audit")
