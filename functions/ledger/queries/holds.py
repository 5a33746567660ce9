"""Queries about holds: the open ones of an account, by expiry."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from domain.ledger.account import account_stream
from functions.http.auth import require
from functions.http.dependencies import Injected
from functions.http.openapi import found
from functions.http.problems import Problem
from functions.ledger.fields import AccountId
from functions.ledger.queries.accounts import check, place
from functions.queries.consistency import FreshnessAnswer, Read, reply
from functions.queries.paging import Page

__all__ = ["router"]

router = APIRouter(tags=["holds"], dependencies=[require("query")])


class HoldFacts(BaseModel):
    """An open hold; amounts in minor units of the account's asset."""

    hold: int
    account: str
    amount: int
    asset: str
    transfer_id: str | None = Field(description="the transfer that set it aside, and that alone may end it")
    reference: str | None
    placed_at: str
    expires_at: str | None


class HoldView(HoldFacts):
    freshness: FreshnessAnswer


class HoldsView(BaseModel):
    data: list[HoldFacts]
    next: str | None = Field(description="give it as `cursor` for the next page; null at the end")
    freshness: FreshnessAnswer


@router.get("/accounts/{account_id}/holds", **found(HoldsView, "ACCOUNT_NOT_FOUND", "VIEW_BEHIND"))
def get_holds(account_id: AccountId, services: Injected, reading: Read, page: Page) -> Response:
    """Open holds, the one that expires first at the front."""
    holds = services.views.page(
        "active-holds",
        account_stream(account_id),
        limit=page.limit,
        cursor=page.cursor,
        descending=page.descending,
        **place(services, account_id, reading),
    )
    check(account_id, reading, holds.freshness)
    data = [services.personal.readable(hold, "reference") for hold in holds.data]
    return reply({"data": data, "next": holds.next, "freshness": reading.of_view(holds.freshness)})


@router.get(
    "/accounts/{account_id}/holds/{hold_id}",
    **found(HoldView, "ACCOUNT_NOT_FOUND", "HOLD_NOT_FOUND", "VIEW_BEHIND"),
)
def get_hold(
    account_id: AccountId,
    hold_id: Annotated[int, Path(ge=1, le=2**31, description="the hold's number on its account")],
    services: Injected,
    reading: Read,
) -> Response:
    """One open hold; one that has ended is found no more."""
    holds = services.views.page(
        "active-holds",
        account_stream(account_id),
        limit=1,
        where={"hold": (hold_id, hold_id)},
        **place(services, account_id, reading),
    )
    check(account_id, reading, holds.freshness)
    if not holds.data:
        raise Problem("HOLD_NOT_FOUND", f"account {account_id} has no open hold {hold_id}", {"hold": hold_id})
    hold = services.personal.readable(holds.data[0], "reference")
    return reply(hold | {"freshness": reading.of_view(holds.freshness)})
