"""The query side of the HTTP API: reads views and the log, writes nothing."""

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.audit import install
from functions.http.app import create
from functions.http.dependencies import Services
from functions.ledger.queries import accounts as account_queries
from functions.ledger.queries import holds as hold_queries
from functions.ledger.queries import totals as total_queries
from functions.ledger.queries import transfers as transfer_queries
from functions.queries import history as history_queries

__all__ = ["create_app"]


def create_app(services: Services) -> FastAPI:
    app = create(
        "Tidemark queries",
        "Answers come from views a moment behind the log, and say how far they are. Give a command's Tidemark-Position "
        "to see at least that command, or ask for consistency=strong.",
        services,
        [
            account_queries.router,
            hold_queries.router,
            transfer_queries.router,
            total_queries.router,
            history_queries.router,
        ],
    )
    if services.audit is not None:
        install(app, services.audit)
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
