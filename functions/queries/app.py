"""The query side of the HTTP API: reads views and the log, writes nothing."""

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.audit import AuditDesk, install
from functions.http.app import create
from functions.http.dependencies import Dependencies
from functions.queries import history
from functions.service import Service

__all__ = ["create_queries"]


def create_queries(service: Service, services: Dependencies, audit: AuditDesk | None = None) -> FastAPI:
    """The app of queries; its routes are the domain's. Histories serve any domain, and so does
    the audit, which is there when it is given."""
    app = create(
        "Tidemark queries",
        "Answers come from views a moment behind the log, and say how far they are. Give a command's Tidemark-Position "
        "to see at least that command, or ask for consistency=strong.",
        services,
        [*service.queries, history.router],
        service.refusals,
    )
    if audit is not None:
        install(app, audit)
    app.add_middleware(HeadAsGet)
    return app


class HeadAsGet:
    """ASGI middleware: HEAD is GET without the body, on every route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def headers_only(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, headers_only)
