"""The JSON twins of the audit's pages, under /audit/data."""

import tempfile
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import asdict, replace
from io import TextIOWrapper
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.routing import APIRoute
from starlette.responses import Response, StreamingResponse

from audit.errors import AuditError, NotInHistory, TraceUnknown
from audit.export.write import export_log
from audit.trail.entries import Entry
from audit.trail.trace import Step, Trace
from audit.trail.trail import StateAt
from functions.audit import responses as answers
from functions.audit.access import audited
from functions.audit.dependencies import AuditDesk, Desk
from functions.audit.health import CheckResult, health
from functions.audit.parameters import At, Correlation, From, Limit, Stream, Upto, Version, moment
from functions.http.dependencies import Injected
from functions.http.openapi import found
from functions.http.problems import Problem
from projectors.views.sums.view import exact

__all__ = ["audit_problem", "router", "state_of", "trace_of"]

_REFUSALS = 50
_IN_MEMORY = 4 * 1024 * 1024
_CHUNK = 64 * 1024


def audit_problem(error: AuditError) -> Problem:
    """What the log has no answer to is not found; a log that makes no sense is no fault of the caller."""
    code = "NOT_FOUND" if isinstance(error, NotInHistory | TraceUnknown) else "INTERNAL_ERROR"
    return Problem(code, str(error))


class _DataRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except AuditError as error:
                raise audit_problem(error) from error

        return answer


router = APIRouter(prefix="/audit/data", tags=["audit"], dependencies=[audited()], route_class=_DataRoute)


@router.get("/streams/{stream}", **found(answers.StreamView, "NOT_FOUND"))
def get_stream(stream: Stream, desk: Desk, upto: Upto = None, limit: Limit = 100) -> Response:
    """Events with who, why, running figures and the mark of the hash chain; and commands that left none."""
    page = desk.trail.page(stream, upto=upto, limit=limit)
    failure = page.timeline.failure
    return _json(
        {
            "stream": stream,
            "head": page.head,
            "older": page.older,
            "newer": page.newer,
            "failure": f"version {failure[0]}: {failure[1]}" if failure else None,
            "entries": [_entry(entry) for entry in page.entries],
            "without_events": [asdict(outcome) for outcome in desk.trail.refusals(stream, limit=_REFUSALS)],
        }
    )


@router.get("/streams/{stream}/state", **found(answers.StateView, "NOT_FOUND"))
def get_state(stream: Stream, desk: Desk, version: Version = None, at: At = None) -> Response:
    """The state after a version, or at a time, or now. A time before the stream began is 404, never an empty answer."""
    return _json(asdict(state_of(desk, stream, version, at)))


@router.get("/streams/{stream}/difference", **found(answers.ComparisonView, "NOT_FOUND"))
def get_difference(
    stream: Stream,
    desk: Desk,
    before: Annotated[int, Query(ge=1, le=2**31)],
    after: Annotated[int, Query(ge=1, le=2**31)],
) -> Response:
    """What changed between two versions, field by field."""
    return _json(asdict(desk.trail.compare(stream, before, after)))


@router.get("/streams/{stream}/export", include_in_schema=False)
def get_export(stream: Stream, desk: Desk, services: Injected) -> Response:
    """The stream as JSON lines, every stored byte of it: what `tidemark audit export` writes without a digest."""
    spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it is sent
    out = TextIOWrapper(spool, encoding="utf-8", write_through=True)
    made_at = services.clock().isoformat()
    export_log(desk.log, out, form="jsonl", database=desk.database, made_at=made_at, streams=[stream])
    spool.seek(0)

    def content() -> Iterator[bytes]:
        with out:
            while chunk := spool.read(_CHUNK):
                yield chunk

    headers = {"Content-Disposition": f'attachment; filename="{stream}.jsonl"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(content(), media_type="application/jsonl", headers=headers)


@router.get("/trace", **found(answers.TraceView, "NOT_FOUND"))
def get_trace(correlation: Correlation, desk: Desk, start: From = None) -> Response:
    """Every command of a correlation, as the tree of what led to what."""
    return _json(_trace(trace_of(desk, correlation, start)))


@router.get("/health", **found(answers.HealthView))
def get_health(desk: Desk, services: Injected) -> Response:
    """Lag of every consumer, parked streams, the domain's checks, the last digest."""
    now = health(desk, services.clock())
    sealed = {name: getattr(now.digest, name) for name in answers.DigestView.model_fields} if now.digest else None
    return _json(
        {
            "at": now.at,
            "consumers": [asdict(each) for each in now.consumers],
            "parked": [asdict(each) for each in now.parked],
            "checks": [_check(each) for each in now.checks],
            "digest": sealed,
            "unknown": now.unknown,
        }
    )


def state_of(desk: AuditDesk, stream: str, version: int | None, at: str | None) -> StateAt:
    """Raises Problem for both at once, AuditError where there is no such state."""
    if version is not None and at:
        raise Problem("INVALID_REQUEST", "a version or a time, not both")
    return desk.trail.state(stream, version=version, at=moment(at) if at else None)


def trace_of(desk: AuditDesk, correlation: str, start: str | None) -> Trace:
    """From a stream on, or from the whole log. Raises TraceUnknown."""
    return desk.traces.follow(correlation, start) if start else desk.traces.search(correlation)


def _entry(entry: Entry) -> dict[str, Any]:
    """Without what only pages need."""
    return {name: value for name, value in asdict(entry).items() if name != "part"}


def _trace(trace: Trace) -> dict[str, Any]:
    return {**asdict(replace(trace, roots=[])), "roots": [_step(step) for step in trace.roots]}


def _step(step: Step) -> dict[str, Any]:
    return {
        **asdict(replace(step, entries=[], led_to=[])),
        "entries": [_entry(entry) for entry in step.entries],
        "led_to": [_step(each) for each in step.led_to],
    }


def _check(found: CheckResult) -> dict[str, Any]:
    rows = [
        {"cells": [cell.text for cell in row.cells], "verdict": row.verdict, "word": row.word} for row in found.rows
    ]
    return {
        "name": found.check.name,
        "title": found.check.title,
        "verdict": found.verdict,
        "columns": list(found.check.columns),
        "rows": rows,
    }


def _json(document: Any) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(orjson.dumps(_exact(document)), headers=headers, media_type="application/json")


def _exact(value: Any) -> Any:
    """Numbers that clients would round become text."""
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    return exact(value) if type(value) is int else value
