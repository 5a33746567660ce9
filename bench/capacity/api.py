"""One process of the HTTP apps, called without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Api:
    """Sends one request at a time to an ASGI app."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._loop = asyncio.Runner()

    def send(self, method: str, path: str, body: dict[str, Any] | None = None, key: str = "") -> tuple[int, Any]:
        """Status and body. Commands need a `key`."""
        return self._loop.run(self._exchange(method, path, body, key))

    def close(self) -> None:
        self._loop.close()

    async def _exchange(self, method: str, path: str, body: dict[str, Any] | None, key: str) -> tuple[int, Any]:
        content = orjson.dumps(body) if body is not None else b""
        path, _, query = path.partition("?")
        headers = [(b"content-type", b"application/json"), (b"traceparent", TRACE.encode())]
        headers += [(b"idempotency-key", key.encode()), (b"content-length", str(len(content)).encode())]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 50_000),
            "server": ("localhost", 80),
        }
        status, answer = 0, b""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status, answer
            status = message.get("status", status)
            answer += message.get("body", b"")

        await self._app(scope, receive, send)
        return status, orjson.loads(answer) if answer else None
