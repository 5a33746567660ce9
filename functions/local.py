"""Both apps behind one port, routed by HTTP method as API Management routes in Azure."""

from starlette.types import ASGIApp, Receive, Scope, Send

from functions import commands_app, queries_app
from functions.services import Services

__all__ = ["create_app"]


class _ByMethod:
    def __init__(self, commands: ASGIApp, queries: ASGIApp) -> None:
        self._commands = commands
        self._queries = queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._queries(scope, receive, send)
            return
        app = self._queries if scope["method"] in ("GET", "HEAD") else self._commands
        await app(scope, receive, send)


def create_app(services: Services) -> ASGIApp:
    return _ByMethod(commands_app.create_app(services), queries_app.create_app(services))
