"""The server over HTTP: a bare ASGI application."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from localazure.cosmos.faults import ConnectionLost
from localazure.cosmos.protocol.message import Request, Response
from localazure.cosmos.serving.control import CONTROL_PATH, Control

if TYPE_CHECKING:
    from localazure.cosmos.local import LocalCosmos

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TRANSPORT_KEY = "localazure.cosmos.transport"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_WORKERS = 8


class Application:
    """Reads a request, has it answered, sends the answer.

    Point operations take microseconds and are answered on the event loop; what may take long (queries, feeds, and
    everything while faults are active) goes to a thread.
    """

    def __init__(self, cosmos: LocalCosmos) -> None:
        self._cosmos = cosmos
        self._control = Control(cosmos)
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="cosmos")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] != "http":
            return
        request = await _request(scope, receive)
        try:
            response = await self._answer(request)
        except ConnectionLost as lost:
            if lost.timeout:
                await _until_disconnected(receive)
            _reset(scope)
            return
        except Exception:
            if self._cosmos.faults.active:
                # A callback of a test raised: the client it stands for sees its connection die.
                _reset(scope)
            raise
        headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in response.headers.items()]
        if response.status != 304:
            headers.append((b"content-length", b"%d" % len(response.body)))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _answer(self, request: Request) -> Response:
        if request.path.startswith(CONTROL_PATH):
            return self._control.handle(request)
        if self._cosmos.faults.active or _may_be_slow(request):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._cosmos.exchange, request)
        return self._cosmos.exchange(request)


def _may_be_slow(request: Request) -> bool:
    headers = request.headers
    return "x-ms-documentdb-isquery" in headers or "a-im" in headers or request.method == "PUT"


async def _request(scope: Scope, receive: Receive) -> Request:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host") or "{}:{}".format(*scope["server"])
    return Request(
        scope["method"],
        scope["raw_path"].decode("ascii", "replace"),
        headers,
        b"".join(chunks),
        f"{scope['scheme']}://{host}/",
    )


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _reset(scope: Scope) -> None:
    """Close the connection so that the client sees a reset."""
    transport = scope.get("extensions", {}).get(TRANSPORT_KEY)
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
