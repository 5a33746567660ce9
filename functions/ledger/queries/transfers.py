"""Queries about transfers: how far one is."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from domain.ledger.transfer import transfer_stream
from eventstore.log.position import Position
from functions.http.auth import require
from functions.http.dependencies import Injected, Services
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
    transfer = services.personal.readable(item.data, "reference")
    return reply(transfer | {"freshness": reading.of_view(item.freshness)})


def _place(services: Services, stream: str, transfer_id: str, reading: Reading) -> dict[str, Any]:
    if not reading.strong:
        return {"after": reading.after, "wait": reading.wait}
    transfer = services.store.load(stream)
    if transfer is None:
        raise Problem("TRANSFER_NOT_FOUND", f"there is no transfer {transfer_id}", {"transfer": transfer_id})
    return {"after": Position(stream, transfer.version), "wait": services.settings.max_wait_ms / 1000}
