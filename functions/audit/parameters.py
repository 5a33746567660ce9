"""Query parameters of the audit's pages: streams, versions, times, each with its pattern and its limits."""

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query

from audit.formats import moment as read_moment
from functions.http.problems import Problem

__all__ = ["Account", "At", "Compare", "Correlation", "From", "Limit", "Stream", "Upto", "Version", "moment"]

_STREAM = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
_MAX_VERSION = 2**31

Stream = Annotated[str, Path(pattern=_STREAM, examples=["account-alice"])]
Account = Annotated[str, Query(alias="stream", pattern=_STREAM, description="a stream, or the id of an account")]
Version = Annotated[int | None, Query(ge=1, le=_MAX_VERSION, description="the state after this version")]
Compare = Annotated[int | None, Query(ge=1, le=_MAX_VERSION, description="also what changed since this version")]
At = Annotated[
    str | None,
    Query(
        max_length=40,
        description="the state at this time, ISO 8601, UTC without a zone",
        examples=["2026-03-01T12:00Z"],
    ),
]
Upto = Annotated[int | None, Query(ge=1, le=_MAX_VERSION, description="last version on the page; the newest if absent")]
Limit = Annotated[int, Query(ge=1, le=500, description="events per page")]
Correlation = Annotated[str, Query(min_length=1, max_length=256, description="the correlation that events carry")]
From = Annotated[
    str | None,
    Query(
        alias="from",
        pattern=_STREAM,
        description="begin at this stream and follow transfers, a few requests; absent: search the whole log",
    ),
]


def moment(text: str) -> datetime:
    """A time as people write it. Raises Problem INVALID_REQUEST."""
    try:
        return read_moment(text)
    except ValueError as error:
        raise Problem("INVALID_REQUEST", str(error)) from None
