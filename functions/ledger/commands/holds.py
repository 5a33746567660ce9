"""Commands on holds: money set aside, then captured or released."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field
from starlette.responses import Response

from domain.ledger.account import Account
from functions.commands.context import Context
from functions.commands.responses import respond
from functions.http.auth import require
from functions.http.dependencies import Injected
from functions.http.fields import NoFields
from functions.http.openapi import done
from functions.ledger.commands.accounts import DEBIT
from functions.ledger.commands.execution import execute
from functions.ledger.commands.responses import AccountAnswer, account_facts
from functions.ledger.commands.schemas import CaptureHold, PlaceHold
from functions.ledger.fields import AccountId

__all__ = ["router"]

router = APIRouter(tags=["holds"], dependencies=[require("command")])

HoldId = Annotated[int, Path(ge=1, le=2**31, description="the hold's number on its account")]
_END = ("ACCOUNT_NOT_FOUND", "HOLD_NOT_FOUND", "HOLD_NOT_ACTIVE", "HOLD_OF_TRANSFER")


class HoldAnswer(AccountAnswer):
    hold_id: int = Field(ge=1, description="counts the account's holds")


@router.post("/accounts/{account_id}/holds", **done(HoldAnswer, *DEBIT, "TOO_MANY_HOLDS", status=201))
def place_hold(account_id: AccountId, body: PlaceHold, services: Injected, context: Context) -> Response:
    """Set money aside: no longer available, still in the balance."""

    def change(account: Account, said: PlaceHold) -> None:
        account.place_hold(said.amount, expires_at=said.expires_at, reference=said.reference, at=context.at)

    outcome = execute(services, context, "PlaceHold", account_id, change, body, answer=_placed_facts)
    location = f"/accounts/{account_id}/holds/{outcome.answer.get('hold_id')}"
    return respond(outcome, status=201, location=location)


@router.post("/accounts/{account_id}/holds/{hold_id}/capture", **done(AccountAnswer, *_END, "CAPTURE_EXCEEDS_HOLD"))
def capture_hold(
    account_id: AccountId, hold_id: HoldId, services: Injected, context: Context, body: CaptureHold | None = None
) -> Response:
    """Held money leaves to outside, all of it or less; what is not captured is released."""

    def change(account: Account, said: CaptureHold | None) -> None:
        account.capture_hold(hold_id, said.amount if said else None, at=context.at)

    return respond(execute(services, context, f"CaptureHold {hold_id}", account_id, change, body))


@router.post("/accounts/{account_id}/holds/{hold_id}/release", **done(AccountAnswer, *_END))
def release_hold(
    account_id: AccountId, hold_id: HoldId, services: Injected, context: Context, body: NoFields | None = None
) -> Response:
    """Held money becomes available again."""

    def change(account: Account, _: NoFields | None) -> None:
        account.release_hold(hold_id, at=context.at)

    return respond(execute(services, context, f"ReleaseHold {hold_id}", account_id, change, body))


def _placed_facts(account: Account) -> dict[str, Any]:
    return account_facts(account) | {"hold_id": account.holds.placed}
