"""What commands answer, as models (for OpenAPI) and as responses (ETag, Location, position token, replay mark)."""

from typing import Any

import orjson
from pydantic import BaseModel, Field
from starlette.responses import Response

from domain.ledger.account import Account
from eventstore.commands.store import Outcome
from functions.problems import Problem

__all__ = ["POSITION", "REPLAYED", "AccountAnswer", "account_facts", "respond"]

POSITION = "Tidemark-Position"
REPLAYED = "Idempotency-Replayed"


class AccountAnswer(BaseModel):
    """The account right after the command; amounts in minor units of the asset."""

    account_id: str
    version: int = Field(ge=1, description="of the account's stream; also the ETag")
    asset: str
    balance: int
    available: int = Field(description="balance less what holds set aside")
    status: str


def account_facts(account: Account) -> dict[str, Any]:
    """The facts kept with the command, so that a repeat years later answers the same."""
    return {
        "account_id": account.account_id,
        "asset": account.asset,
        "balance": account.balance,
        "available": account.available,
        "status": account.status.value,
    }


def respond(outcome: Outcome, *, status: int = 200, location: str | None = None) -> Response:
    """The answer to an accepted command: the facts kept with it, and the version it led to.

    Raises:
        Problem: the outcome is a refusal, now or when the key was first used.
    """
    headers = {POSITION: outcome.position}
    if outcome.replayed:
        headers[REPLAYED] = "true"
    if outcome.refusal is not None:
        refusal = outcome.refusal
        raise Problem(refusal.code, refusal.message, refusal.details, headers=headers)
    headers["ETag"] = f'"{outcome.version}"'
    if location is not None:
        headers["Location"] = location
    body = {**outcome.answer, "version": outcome.version}
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")
