"""Commands on transfers: a request is accepted at once, the money follows step by step."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from domain.ledger.account import account_stream
from domain.ledger.errors import AccountNotFound
from domain.ledger.existence import require_no_transfer
from domain.ledger.transfer import Transfer, transfer_stream
from functions.commands.context import Context, derived_id
from functions.commands.responses import respond
from functions.http.auth import require
from functions.http.dependencies import Injected
from functions.http.openapi import done
from functions.ledger.commands.schemas import RequestTransfer

__all__ = ["router"]

router = APIRouter(tags=["transfers"], dependencies=[require("command")])


class TransferAnswer(BaseModel):
    """The transfer as it was accepted; GET /transfers/{id} tells how it ends."""

    transfer_id: str
    version: int = Field(ge=1)
    source: str
    target: str
    asset: str
    amount: int
    status: str


@router.post("/transfers", **done(TransferAnswer, "ACCOUNT_NOT_FOUND", "TRANSFER_EXISTS", "SAME_ACCOUNT", status=202))
def request_transfer(body: RequestTransfer, services: Injected, context: Context) -> Response:
    """Move money between two accounts of one asset; `reverses` takes a completed transfer back.

    Its texts belong to the owner of the source. With texts it is refused where there is no source: they would be
    nobody's. Without, it is accepted and fails.
    """
    transfer_id = body.transfer_id or derived_id(context, "transfer")
    said = services.personal.of_other(account_stream(body.source), body, key=context.command_id)

    def decide(transfer: Transfer | None) -> Transfer:
        require_no_transfer(transfer)
        if said.nobodys:
            raise AccountNotFound(account=body.source)
        asked = said.of(said.owner).model_dump(exclude={"transfer_id"})
        return Transfer.request(transfer_id, at=context.at, **asked)

    outcome = services.store.execute(
        transfer_stream(transfer_id),
        context.command(
            "RequestTransfer",
            said,
            reason=said.reason,
            claimed_in=transfer_stream(derived_id(context, "transfer")),
        ),
        decide,
        answer=_facts,
        expected_version=context.expected_version,
    )
    services.on_outcome("RequestTransfer", said.body, outcome)
    return respond(outcome, status=202, location=f"/transfers/{transfer_id}")


def _facts(transfer: Transfer) -> dict[str, Any]:
    return {
        "transfer_id": transfer.transfer_id,
        "source": transfer.source,
        "target": transfer.target,
        "asset": transfer.asset,
        "amount": transfer.amount,
        "status": transfer.status.value,
    }
