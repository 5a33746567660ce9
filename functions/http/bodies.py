"""Request bodies: bounded, buffered, and JSON whatever a bare `curl -d` calls them."""

import json
import re
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.http.problems import Problem, problem_response

__all__ = ["JsonBodies", "require_one_reading"]

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
        if body is None:
            return
        # In place, not in a copy: what routing adds to the scope must reach the middleware around this one.
        others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
        scope["headers"] = [*others, (b"content-type", _JSON)]
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None when the client went away before its end, for then nobody knows what was asked."""
        announced = _header(scope, b"content-length")
        if announced.isdigit() and int(announced) > self._limit:
            raise self._too_large()
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._limit:
                raise self._too_large()
            more = message.get("more_body", False)
        kind = _header(scope, b"content-type")
        if size and kind and not _ACCEPTED.fullmatch(kind):
            raise Problem("UNSUPPORTED_MEDIA_TYPE", "the body must be JSON (Content-Type: application/json)")
        return b"".join(chunks)

    def _too_large(self) -> Problem:
        detail = f"the body exceeds {self._limit} bytes"
        return Problem("BODY_TOO_LARGE", detail, {"limit": self._limit}, headers={"Connection": "close"})


def require_one_reading(body: bytes) -> Any:
    """The JSON value of a body, None for an empty one.

    Raises Problem for a body that another reader of JSON could take for another command: the same name twice, or an
    encoding that is not UTF-8.
    """
    try:
        return json.loads(body.decode("utf-8-sig") or "null", object_pairs_hook=_once)
    except ValueError as error:
        why = "the body must be JSON in UTF-8, with no name twice in an object"
        raise Problem("INVALID_REQUEST", why) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _header(scope: Scope, name: bytes) -> bytes:
    found: bytes = next((value for each, value in scope["headers"] if each == name), b"")
    return found.strip()


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
