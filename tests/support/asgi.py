"""An httpx transport that runs an ASGI app on an event loop in a thread of its own, so that tests stay synchronous."""

import asyncio
import threading
from types import TracebackType
from typing import Self

import httpx
from starlette.types import ASGIApp


class AsgiThread(httpx.BaseTransport):
    """`client` is the address that requests seem to come from."""

    def __init__(self, app: ASGIApp, client: tuple[str, int] = ("127.0.0.1", 50_000)) -> None:
        self._transport = httpx.ASGITransport(app, client=client)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self._exchange(request), self._loop).result()

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        answer = await self._transport.handle_async_request(
            httpx.Request(request.method, request.url, headers=request.headers, content=body)
        )
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)
