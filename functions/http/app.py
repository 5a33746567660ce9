"""What both HTTP apps have in common: errors as problems, bounded JSON bodies, their own OpenAPI document."""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig

from functions.http import health, problems
from functions.http.answered import Answered
from functions.http.bodies import JsonBodies
from functions.http.dependencies import Dependencies
from functions.http.openapi import document
from functions.http.telemetry import Telemetry

__all__ = ["create"]

# The framework would count every request a second time, and put paths with ids and query strings into spans.
_FRAMEWORKS_OWN: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def create(
    title: str, description: str, services: Dependencies, routers: Sequence[APIRouter], refusals: Mapping[str, int]
) -> FastAPI:
    """One of the two apps; `refusals` gives each code of the domain's refusals its HTTP status."""
    app = FastAPI(
        title=title, description=description, version=_version(), redirect_slashes=False, telemetry=_FRAMEWORKS_OWN
    )
    app.state.services = services
    for router in (*routers, health.router):
        app.include_router(router)
    app.add_middleware(JsonBodies, limit=services.settings.max_body_bytes)
    problems.install(app, refusals)
    app.add_middleware(Answered, requests=services.requests)
    app.add_middleware(Telemetry)  # the last one added is the outermost
    app.openapi = partial(document, app)  # type: ignore[method-assign]
    return app


def _version() -> str:
    try:
        return version("tidemark-ledger")
    except PackageNotFoundError:  # run from a deployed folder, where nothing is installed under a name
        return "0"
