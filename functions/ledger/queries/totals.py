"""Queries over many accounts: what moved in the ledger per day, and the accounts of an owner."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from functions.http.auth import require
from functions.http.dependencies import Injected
from functions.http.fields import Identifier, ValueDate
from functions.http.openapi import found
from functions.http.problems import Problem
from functions.ledger.commands.schemas import Asset
from functions.queries.consistency import Exact, Read, Reading, reply
from functions.queries.paging import require_period
from projectors.views.sums.reader import SumFreshness
from projectors.views.sums.view import exact

__all__ = ["router"]

router = APIRouter(tags=["totals"], dependencies=[require("query")])

_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(9999, 12, 31)


class SumFreshnessAnswer(BaseModel):
    """How much of the log the sums reflect."""

    recorded_at: str | None = Field(description="when the newest event in them was recorded")
    reached: bool = Field(description="false: the position asked for was not reached in time")
    parked: list[str] = Field(
        description="streams of which events are missing because they cannot be applied, at most 100 of them"
    )
    incomplete: bool = Field(
        description="true: an operator left an event out of the view; the sums lack it until the view is rebuilt"
    )


class DayTotals(BaseModel):
    """Sums of a UTC day in minor units, but for the two counts; what did not occur is 0."""

    day: date
    accounts_opened: Exact
    movements: Exact
    deposits: Exact
    withdrawals: Exact
    captures: Exact
    transfers_in: Exact
    transfers_out: Exact
    held: Exact


class TotalsView(BaseModel):
    asset: str
    data: list[DayTotals]
    freshness: SumFreshnessAnswer


class OwnerView(BaseModel):
    owner: str
    data: list[str] = Field(description="ids of the accounts, closed ones too")
    freshness: SumFreshnessAnswer


@router.get("/totals", **found(TotalsView, "VIEW_BEHIND"))
def get_totals(
    services: Injected,
    reading: Read,
    asset: Annotated[Asset, Query(description="code and number of decimals", examples=["EUR/2"])],
    first: Annotated[ValueDate, Query(alias="from", description="first UTC day")] = _FIRST_DAY,
    last: Annotated[ValueDate, Query(alias="to", description="last UTC day")] = _LAST_DAY,
) -> Response:
    """What moved in the whole ledger, by UTC day of the command."""
    _only_eventual(reading)
    require_period(first, last)
    prefix = asset.replace("/", "-")
    keys = (f"{prefix}:{first.isoformat()}", f"{prefix}:{last.isoformat()}")
    totals = services.views.sums("ledger-totals", *keys, after=reading.after, wait=reading.wait)
    days = [_day(key.rpartition(":")[2], sums) for key, sums in sorted(totals.data.items())]
    return reply({"asset": asset, "data": days, "freshness": _freshness(totals.freshness)})


@router.get("/owners/{owner}/accounts", **found(OwnerView, "VIEW_BEHIND"))
def get_accounts_of_owner(
    owner: Annotated[Identifier, Path(description="pseudonymous id given when the accounts were opened")],
    services: Injected,
    reading: Read,
) -> Response:
    """The accounts that were opened for an owner; none is an answer too."""
    _only_eventual(reading)
    totals = services.views.sums("owner-accounts", owner, after=reading.after, wait=reading.wait)
    accounts = sorted(totals.data.get(owner, {}))
    return reply({"owner": owner, "data": accounts, "freshness": _freshness(totals.freshness)})


def _only_eventual(reading: Reading) -> None:
    if reading.strong:
        raise Problem("INVALID_REQUEST", "sums over many streams have no strong reading: give a position with `after`")


def _day(day: str, sums: dict[str, int]) -> dict[str, Any]:
    return {"day": day} | {name: exact(sums.get(name, 0)) for name in DayTotals.model_fields if name != "day"}


def _freshness(freshness: SumFreshness) -> dict[str, Any]:
    return {
        "recorded_at": freshness.recorded_at,
        "reached": freshness.reached,
        "parked": freshness.parked,
        "incomplete": freshness.left_out > 0,
    }
