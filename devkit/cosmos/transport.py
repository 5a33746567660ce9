"""The in-process transport: the synchronous SDK against the server's request handling, with no socket between."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import ServiceResponseError, ServiceResponseTimeoutError
from azure.core.pipeline.transport import HttpRequest, HttpResponse, HttpTransport
from azure.core.utils import case_insensitive_dict

from devkit.cosmos.faults import ConnectionLost
from devkit.cosmos.message import Request, Response

_REASONS = {200: "OK", 201: "Created", 204: "No Content", 304: "Not Modified", 404: "Not Found", 409: "Conflict"}


class InProcessResponse(HttpResponse):
    """An answer that is already in memory."""

    def __init__(self, request: HttpRequest, response: Response) -> None:
        super().__init__(request, None)
        self.status_code = response.status
        self.reason = _REASONS.get(response.status, "")
        self.headers = case_insensitive_dict(response.headers)
        self.content_type = response.headers.get("content-type")
        self._body = response.body

    def body(self) -> bytes:
        """The whole body."""
        return self._body


class InProcessTransport(HttpTransport[HttpRequest, HttpResponse]):
    """Hands every request of a `CosmosClient` to `exchange` on the calling thread."""

    def __init__(self, exchange: Callable[[Request], Response]) -> None:
        self._exchange = exchange

    def send(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Answer one request; a withheld answer is what the SDK would see from a dead connection."""
        parts = urlsplit(request.url)
        body = request.data if request.data is not None else b""
        try:
            response = self._exchange(
                Request(
                    request.method.upper(),
                    parts.path,
                    {name.lower(): str(value) for name, value in request.headers.items()},
                    body.encode() if isinstance(body, str) else bytes(body),
                    f"{parts.scheme}://{parts.netloc}/",
                )
            )
        except ConnectionLost as lost:
            if lost.timeout:
                raise ServiceResponseTimeoutError(
                    f"Read timed out. (read timeout={kwargs.get('read_timeout')})"
                ) from lost
            reset = ConnectionResetError(104, "Connection reset by peer")
            raise ServiceResponseError(f"('Connection aborted.', {reset!r})", error=reset) from lost
        return InProcessResponse(request, response)

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close: the server outlives its clients."""

    def __enter__(self) -> InProcessTransport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()
