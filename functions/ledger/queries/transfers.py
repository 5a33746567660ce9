"""Queries about transfers: how far one is."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from domain.ledger.transfer import Transfer, transfer_stream
from eventstore.log.position import Position
from functions.http.auth import require
from functions.http.dependencies import Dependencies, Injected
from functions.http.fields import Identifier
from functions.http.openapi import found
from functions.http.problems import Problem
from functions.queries.consistency import FreshnessAnswer, Read, Reading, reply

__all__ = ["router"]

router = APIRouter(tags=["transfers"], dependencies=[require("query")])

TransferId = Annotated[Identifier, Path(description="as answered when it was requested")]


class TransferView(BaseModel):
    """A transfer; the amount in minor units of the asset."""

    transfer: str
    source: str
    target: str
    amount: int
    asset: str
    reference: str | None
    status: Literal["requested", "completed", "failed"]
    code: str | None = Field(description="why it failed")
    failed_step: str | None
    reverses: str | None
    reversed_by: str | None
    requested_at: str
    ended_at: str | None
    freshness: FreshnessAnswer


@router.get("/transfers/{transfer_id}", **found(TransferView, "TRANSFER_NOT_FOUND", "VIEW_BEHIND"))
def get_transfer(transfer_id: TransferId, services: Injected, reading: Read) -> Response:
    """Whether the money has moved, and if not, why."""
    stream = transfer_stream(transfer_id)
    item = services.views.get("transfer-status", stream, **_place(services, stream, transfer_id, reading))
    if reading.strong and not item.freshness.reached:
        raise Problem("VIEW_BEHIND", "the view has not reached the log in time: ask again")
    if item.data is None:
        details = {"transfer": transfer_id, "reached": item.freshness.reached}
        raise Problem("TRANSFER_NOT_FOUND", f"there is no transfer {transfer_id}", details)
    facts = _as_logged(services, transfer_id, item.data) if item.freshness.left_out else item.data
    transfer = services.personal.readable(facts, "reference")
    return reply(transfer | {"freshness": reading.of_view(item.freshness)})


def _as_logged(services: Dependencies, transfer_id: str, shown: dict[str, Any]) -> dict[str, Any]:
    """The transfer out of the log, where an operator left events of it out of the view; why it failed only that has."""
    transfer = _load(services, transfer_id)
    facts = {
        "transfer": transfer_id,
        "source": transfer.source,
        "target": transfer.target,
        "amount": transfer.amount,
        "asset": transfer.asset,
        "reference": transfer.reference,
        "status": transfer.status.value,
        "reverses": transfer.reverses,
        "reversed_by": transfer.reversed_by,
        "requested_at": transfer.created_on.isoformat(),
    }
    return dict.fromkeys(("code", "failed_step", "ended_at")) | shown | facts


def _load(services: Dependencies, transfer_id: str) -> Transfer:
    transfer: Transfer | None = services.store.load(transfer_stream(transfer_id))
    if transfer is None:
        raise Problem("TRANSFER_NOT_FOUND", f"there is no transfer {transfer_id}", {"transfer": transfer_id})
    return transfer


def _place(services: Dependencies, stream: str, transfer_id: str, reading: Reading) -> dict[str, Any]:
    if not reading.strong:
        return {"after": reading.after, "wait": reading.wait}
    version = _load(services, transfer_id).version
    return {"after": Position(stream, version), "wait": services.settings.max_wait_ms / 1000}
