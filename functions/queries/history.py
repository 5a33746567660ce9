"""The history of a stream, event by event, straight from the log; for auditors."""

from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from eventstore.log.documents import Document
from functions.http.auth import require
from functions.http.dependencies import Dependencies, Injected
from functions.http.openapi import found
from functions.http.problems import Problem
from functions.queries.consistency import reply
from functions.queries.paging import MAX_LIMIT

__all__ = ["router"]

router = APIRouter(tags=["history"], dependencies=[require("audit")])

Stream = Annotated[
    str,
    Path(
        pattern=r"^[a-z][a-z0-9]*-[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="`<category>-<id>`",
        examples=["account-alice"],
    ),
]
Version = Annotated[int, Path(ge=1, le=2**31)]


class EventView(BaseModel):
    """An event as it was recorded. `state` and `meta` are the stored texts: `hash` is made of them, byte for byte."""

    stream: str
    version: int
    type: str
    schema_version: int
    encoding: str = Field(description="json, or base64 when the state is compressed or encrypted")
    state: str
    meta: str = Field(description="JSON: event id, recorded_at, actor, reason, correlation, causation, traceparent")
    personal: dict[str, str] = Field(description="what the encrypted texts of state and meta say, or that it is erased")
    command_id: str
    prev: str
    hash: str


class HistoryView(BaseModel):
    data: list[EventView]
    next: int | None = Field(description="give it as `after` for the next page; null at the end")


@router.get("/streams/{stream}/events", **found(HistoryView, "NOT_FOUND"))
def get_events(
    stream: Stream,
    services: Injected,
    after: Annotated[int, Query(ge=0, le=2**31, description="only versions greater than this")] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="events per page")] = 100,
) -> Response:
    """The stream's events in the order of their versions."""
    events = [
        _event(services, document) for document in islice(services.history.documents(stream, after=after), limit + 1)
    ]
    if not events and after == 0:
        raise _unknown(stream)
    page = events[:limit]
    return reply({"data": page, "next": page[-1]["version"] if len(events) > limit else None})


@router.get("/streams/{stream}/events/{version}", **found(EventView, "NOT_FOUND"))
def get_event(stream: Stream, version: Version, services: Injected) -> Response:
    """One event; events too large for Event Hubs refer to this place."""
    for document in services.history.documents(stream, after=version - 1, upto=version):
        return reply(_event(services, document))
    raise _unknown(f"{stream} version {version}")


def _event(services: Dependencies, document: Document) -> dict[str, Any]:
    return {
        "stream": document["streamId"],
        "version": document["version"],
        "type": document["type"],
        "schema_version": document["schema"],
        "encoding": document["enc"],
        "state": document["state"],
        "meta": document["meta"],
        "personal": services.personal.of_event(document),
        "command_id": document["commandId"],
        "prev": document["prev"],
        "hash": document["hash"],
    }


def _unknown(what: str) -> Problem:
    return Problem("NOT_FOUND", f"there is no {what}")
