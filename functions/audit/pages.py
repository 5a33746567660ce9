"""The audit's pages, under /audit. Each is one view of the log with an address of its own and a JSON twin."""

from collections.abc import Callable, Coroutine
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from azure.core.exceptions import AzureError
from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import RedirectResponse, Response

from audit.errors import AuditError
from eventstore.errors import StoreError
from functions.audit.access import audited
from functions.audit.charts import figures_chart
from functions.audit.data import audit_problem, state_of, trace_of
from functions.audit.dependencies import Desk
from functions.audit.health import health
from functions.audit.parameters import Account, At, Compare, From, Limit, Stream, Upto, Version
from functions.audit.rendering import SECURITY, render
from functions.audit.rows import rows_of
from functions.http.dependencies import Injected
from functions.http.problems import STATUS, Problem
from projectors.errors import ProjectionError

__all__ = ["assets", "router"]

_REFUSALS = 50
_TYPES = {
    "audit.css": "text/css; charset=utf-8",
    "audit.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class _PageRoute(APIRoute):
    """Errors as pages: a person reads them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except AuditError as error:
                return _failed(audit_problem(error))
            except Problem as problem:
                return _failed(problem)
            except RequestValidationError as error:
                faults = (f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
                return _failed(Problem("INVALID_REQUEST", "; ".join(faults)))
            except (AzureError, StoreError, ProjectionError) as error:
                detail = f"the database cannot be reached or refused the request: {type(error).__name__}"
                return _failed(Problem("STORE_UNAVAILABLE", detail))

        return answer


def _failed(problem: Problem) -> Response:
    status = STATUS[problem.code]
    response = render("error.html", status, title=problem.code.replace("_", " ").capitalize(), detail=problem.detail)
    response.headers.update(problem.headers)
    if status == 401:
        response.headers.setdefault("WWW-Authenticate", "Bearer")
    return response


router = APIRouter(prefix="/audit", dependencies=[audited()], route_class=_PageRoute, include_in_schema=False)
assets = APIRouter(prefix="/audit/assets", include_in_schema=False)


@router.get("")
def start(desk: Desk) -> Response:
    """Where to look."""
    return render("start.html", narration=desk.narration)


@router.get("/open")
def open_stream(stream: Account, desk: Desk) -> Response:
    """The form's way to a stream: an id of the first category will do."""
    categories = desk.narration.categories
    named = stream if stream.partition("-")[0] in categories or not categories else f"{categories[0]}-{stream}"
    return RedirectResponse(f"/audit/streams/{named}", 303, headers=SECURITY)


@router.get("/streams/{stream}")
def show_stream(stream: Stream, desk: Desk, upto: Upto = None, limit: Limit = 100) -> Response:
    """What happened, with running figures and chain marks."""
    page = desk.trail.page(stream, upto=upto, limit=limit)
    newest = page.timeline.figures.get(page.head)
    return render(
        "stream.html",
        narration=desk.narration,
        stream=stream,
        page=page,
        rows=rows_of(page.entries),
        limit=limit,
        unit=page.timeline.unit,
        newest=newest.values if newest else {},
        glance=list(desk.narration.at_a_glance(page.timeline.aggregate)),
        standing=getattr(page.timeline.aggregate, "status", None),
        refusals=desk.trail.refusals(stream, limit=_REFUSALS),
        chart=figures_chart(page.timeline, page.head),
    )


@router.get("/streams/{stream}/state")
def show_state(stream: Stream, desk: Desk, version: Version = None, at: At = None, compare: Compare = None) -> Response:
    """What was true at a version or a time, and what changed since another version."""
    timeline = desk.trail.timeline(stream)
    state = state_of(desk, stream, version, at)
    return render(
        "state.html",
        narration=desk.narration,
        stream=stream,
        state=state,
        at=at,
        compare=compare,
        comparison=desk.trail.compare(stream, compare, state.version) if compare is not None else None,
        chart=figures_chart(timeline, state.version),
    )


@router.get("/trace")
def show_trace(desk: Desk, correlation: Annotated[str, Query(max_length=256)] = "", start: From = None) -> Response:
    """A story as a tree."""
    trace = trace_of(desk, correlation, start) if correlation else None
    return render("trace.html", narration=desk.narration, trace=trace, correlation=correlation, start=start)


@router.get("/health")
def show_health(
    desk: Desk, services: Injected, refresh: Annotated[int | None, Query(ge=2, le=3600)] = None
) -> Response:
    """Whether anything is behind, stuck, parked or lost."""
    return render(
        "health.html",
        narration=desk.narration,
        health=health(desk, services.clock()),
        refresh=refresh,
        digests=desk.digests,
    )


@assets.get("/{name}")
def asset(name: str) -> Response:
    """The style sheet and the script: nothing of the log is in them, so anybody may have them."""
    if name not in _TYPES:
        raise Problem("NOT_FOUND", f"there is no {name}")
    headers = {**SECURITY, "Cache-Control": "public, max-age=300"}
    return Response(_content(name), headers=headers, media_type=_TYPES[name])


@cache
def _content(name: str) -> bytes:
    return files("functions.audit.assets").joinpath(name).read_bytes()
