"""Queries about one account: what it is, and its statement."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from domain.ledger.account import Account, account_stream
from eventstore.log.position import Position
from functions.http.auth import require
from functions.http.dependencies import Dependencies, Injected
from functions.http.fields import ValueDate
from functions.http.openapi import found
from functions.http.problems import Problem
from functions.ledger.fields import AccountId
from functions.queries.consistency import Exact, FreshnessAnswer, Read, Reading, reply
from functions.queries.paging import Page, require_period
from projectors.views.reader import Freshness

__all__ = ["check", "load", "place", "router"]

router = APIRouter(tags=["accounts"], dependencies=[require("query")])


class Limits(BaseModel):
    per_debit: int | None
    per_day: int | None


class AccountView(BaseModel):
    """An account; amounts in minor units of its asset."""

    account_id: str
    asset: str
    owner: str
    name: str | None
    status: Literal["open", "frozen", "closed"]
    balance: int
    held: int
    available: int
    limits: Limits
    freshness: FreshnessAnswer


class Entry(BaseModel):
    """One movement, and the balance after it."""

    version: int = Field(description="of the account's stream, right after the movement")
    kind: Literal["deposit", "withdrawal", "capture"]
    amount: int
    signed: int = Field(description="negative for debits")
    balance: Exact
    asset: str
    reference: str | None
    transfer_id: str | None
    effective_date: date
    recorded_at: str


class EntryView(Entry):
    freshness: FreshnessAnswer


class StatementView(BaseModel):
    data: list[Entry]
    next: str | None = Field(description="give it as `cursor` for the next page; null at the end")
    freshness: FreshnessAnswer


@router.get("/accounts/{account_id}", **found(AccountView, "ACCOUNT_NOT_FOUND"))
def get_account(account_id: AccountId, services: Injected, reading: Read) -> Response:
    """Balance, what is held of it, status and limits."""
    if reading.strong:
        return _as_logged(services, account_id, reading)
    item = services.views.get("account-summary", account_stream(account_id), after=reading.after, wait=reading.wait)
    if item.freshness.left_out:
        return _as_logged(services, account_id, reading)
    if item.data is None:
        raise _unknown(account_id, item.freshness)
    facts = {name: item.data[name] for name in AccountView.model_fields if name in item.data}
    facts = services.personal.readable(facts, "name")
    return reply({"account_id": account_id, **facts, "freshness": reading.of_view(item.freshness)})


def _as_logged(services: Dependencies, account_id: str, reading: Reading) -> Response:
    """The account out of the log: for strong readings, and where an operator left events of it out of the view."""
    account = load(services, account_id)
    facts = services.personal.readable(_facts(account), "name")
    return reply(facts | {"freshness": reading.of_log(account.version, account.modified_on)})


@router.get("/accounts/{account_id}/statement", **found(StatementView, "ACCOUNT_NOT_FOUND", "VIEW_BEHIND"))
def get_statement(
    account_id: AccountId,
    services: Injected,
    reading: Read,
    page: Page,
    first: Annotated[ValueDate | None, Query(alias="from", description="first effective date")] = None,
    last: Annotated[ValueDate | None, Query(alias="to", description="last effective date")] = None,
) -> Response:
    """Every movement with the balance after it, in the order in which they took effect."""
    require_period(first, last)
    bounds = tuple(day.isoformat() if day else None for day in (first, last))
    entries = services.views.page(
        "statement",
        account_stream(account_id),
        limit=page.limit,
        cursor=page.cursor,
        descending=page.descending,
        where={"effective_date": (bounds[0], bounds[1])} if any(bounds) else None,
        **place(services, account_id, reading),
    )
    check(account_id, reading, entries.freshness)
    data = [services.personal.readable(entry, "reference") for entry in entries.data]
    return reply({"data": data, "next": entries.next, "freshness": reading.of_view(entries.freshness)})


@router.get(
    "/accounts/{account_id}/statement/{version}",
    **found(EntryView, "ACCOUNT_NOT_FOUND", "NOT_FOUND", "VIEW_BEHIND"),
)
def get_entry(
    account_id: AccountId,
    version: Annotated[int, Path(ge=1, le=2**31, description="of the account's stream, right after the movement")],
    services: Injected,
    reading: Read,
) -> Response:
    """One movement."""
    entries = services.views.page(
        "statement",
        account_stream(account_id),
        limit=1,
        where={"version": (version, version)},
        **place(services, account_id, reading),
    )
    check(account_id, reading, entries.freshness)
    if not entries.data:
        raise Problem("NOT_FOUND", f"version {version} of account {account_id} is no movement, or not in the view yet")
    entry = services.personal.readable(entries.data[0], "reference")
    return reply(entry | {"freshness": reading.of_view(entries.freshness)})


def load(services: Dependencies, account_id: str) -> Account:
    """The account as the log has it now. Raises Problem ACCOUNT_NOT_FOUND."""
    account: Account | None = services.store.load(account_stream(account_id))
    if account is None:
        raise Problem("ACCOUNT_NOT_FOUND", f"there is no account {account_id}", {"account": account_id})
    return account


def place(services: Dependencies, account_id: str, reading: Reading) -> dict[str, Any]:
    """What a view of the account has to reach: the log's head for a strong reading, else the position given."""
    if not reading.strong:
        return {"after": reading.after, "wait": reading.wait}
    head = Position(account_stream(account_id), load(services, account_id).version)
    return {"after": head, "wait": services.settings.max_wait_ms / 1000}


def check(account_id: str, reading: Reading, freshness: Freshness) -> None:
    """Raises Problem when the view knows nothing of the account, or is behind where it must not be."""
    if reading.strong and not freshness.reached:
        raise Problem(
            "VIEW_BEHIND", "the view has not reached the log in time: ask again", {"version": freshness.version}
        )
    if freshness.version == 0:
        raise _unknown(account_id, freshness)


def _unknown(account_id: str, freshness: Freshness) -> Problem:
    why = "" if freshness.reached else " in the view yet: ask again, or with consistency=strong"
    details = {"account": account_id, "reached": freshness.reached}
    return Problem("ACCOUNT_NOT_FOUND", f"there is no account {account_id}{why}", details)


def _facts(account: Account) -> dict[str, Any]:
    return {
        "account_id": account.account_id,
        "asset": account.asset,
        "owner": account.owner,
        "name": account.name,
        "status": account.status.value,
        "balance": account.balance,
        "held": account.held,
        "available": account.available,
        "limits": {"per_debit": account.limits.per_debit, "per_day": account.limits.per_day},
    }
