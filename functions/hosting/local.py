"""Both apps behind one port, routed by HTTP method as API Management routes in Azure."""

from functools import cache
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.audit import AuditDesk
from functions.commands.app import create_commands
from functions.http.dependencies import Dependencies
from functions.http.openapi import document
from functions.queries.app import create_queries
from functions.service import Service

__all__ = ["create_app"]


class _ByMethod:
    def __init__(self, commands: ASGIApp, queries: ASGIApp) -> None:
        self._commands = commands
        self._queries = queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reads = scope["type"] != "http" or scope["method"] in ("GET", "HEAD")
        await (self._queries if reads else self._commands)(scope, receive, send)


def create_app(service: Service, services: Dependencies, audit: AuditDesk | None = None) -> ASGIApp:
    """One app; its /openapi.json and /docs tell of both."""
    commands = create_commands(service, services)
    queries = create_queries(service, services, audit)
    # Made when it is first asked for: it takes longer than everything else that starts here.
    queries.openapi = cache(lambda: _document(commands, queries))  # type: ignore[method-assign]
    return _ByMethod(commands, queries)


def _document(commands: FastAPI, queries: FastAPI) -> dict[str, Any]:
    ours, theirs = document(commands), document(queries)
    one, other = ours["paths"], theirs["paths"]
    text = f"{commands.description}\n\n{queries.description}"
    return {
        **theirs,
        "info": theirs["info"] | {"title": "Tidemark", "description": text},
        "paths": {path: one.get(path, {}) | other.get(path, {}) for path in one | other},
        "components": theirs["components"]
        | {"schemas": ours["components"]["schemas"] | theirs["components"]["schemas"]},
    }
