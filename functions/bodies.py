"""Request bodies: bounded, buffered, and JSON whatever a bare `curl -d` calls them."""

import re
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.problems import Problem, problem_response

__all__ = ["JsonBodies"]

_JSON: Final = b"application/json"
_ACCEPTED = re.compile(
    rb"application/(?:json|[a-z0-9!#$&^_.+-]+\+json|x-www-form-urlencoded)\s*(?:;.*)?", re.IGNORECASE
)


class JsonBodies:
    """ASGI middleware: a body of at most `limit` bytes reaches the app, declared as application/json.

    Accepted are application/json, any +json, no content type at all, and application/x-www-form-urlencoded, which is
    what curl sends by itself; all are read as JSON. That opens no door to forms on foreign web pages: every command
    also needs the Idempotency-Key header, and a browser asks (by a preflight, never granted here) before it sends a
    request with a header of that kind. Anything else is answered 415, a larger body 413.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
        except Problem as problem:
            await problem_response(problem, scope["path"])(scope, receive, send)
            return
        # In place, not in a copy: what routing adds to the scope must reach the middleware around this one.
        others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
        scope["headers"] = [*others, (b"content-type", _JSON)]
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._limit:
                detail = f"the body exceeds {self._limit} bytes"
                raise Problem("BODY_TOO_LARGE", detail, {"limit": self._limit}, headers={"Connection": "close"})
            more = message.get("more_body", False)
        kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
        if size and kind.strip() and not _ACCEPTED.fullmatch(kind.strip()):
            raise Problem("UNSUPPORTED_MEDIA_TYPE", "the body must be JSON (Content-Type: application/json)")
        return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
