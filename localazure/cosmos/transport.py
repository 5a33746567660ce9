"""The in-process transport: the synchronous SDK against the server's request handling, with no socket between."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any

from azure.core.exceptions import ServiceResponseError, ServiceResponseTimeoutError
from azure.core.pipeline.transport import HttpRequest, HttpResponse, HttpTransport
from azure.core.utils import CaseInsensitiveDict

from localazure.cosmos.faults import ConnectionLost
from localazure.cosmos.protocol.message import Request, Response

_REASONS = {200: "OK", 201: "Created", 204: "No Content", 304: "Not Modified", 404: "Not Found", 409: "Conflict"}


class Headers(dict[str, str]):
    """Headers with lower-case names that are found under any spelling; cheap to make from such."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def __setitem__(self, name: str, value: str) -> None:
        super().__setitem__(name.lower(), value)

    def __copy__(self) -> Headers:
        return Headers(self)

    def get(self, name: str, default: Any = None) -> Any:
        """The value under any spelling of the name."""
        return super().get(name.lower(), default)


class InProcessResponse(HttpResponse):
    """An answer that is already in memory."""

    def __init__(self, request: HttpRequest, response: Response) -> None:
        super().__init__(request, None)
        self.status_code = response.status
        self.reason = _REASONS.get(response.status, "")
        self.headers = Headers(response.headers)
        self.content_type = response.headers.get("content-type")
        self._body = response.body

    def body(self) -> bytes:
        """The whole body."""
        return self._body


def _lower(headers: MutableMapping[str, str]) -> dict[str, str]:
    if isinstance(headers, CaseInsensitiveDict):
        return dict(headers.lowerkey_items())
    return {name.lower(): value for name, value in headers.items()}


def _bytes(data: Any) -> bytes:
    if data is None:
        return b""
    return data.encode() if isinstance(data, str) else bytes(data)


class InProcessTransport(HttpTransport[HttpRequest, HttpResponse]):
    """Hands every request of a `CosmosClient` to `exchange` on the calling thread."""

    def __init__(self, exchange: Callable[[Request], Response]) -> None:
        self._exchange = exchange

    def send(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Answer one request; a withheld answer is what the SDK would see from a dead connection."""
        url = request.url
        authority_end = url.index("/", url.index("//") + 2)
        query = url.find("?")
        try:
            response = self._exchange(
                Request(
                    request.method.upper(),
                    url[authority_end : query if query >= 0 else len(url)],
                    _lower(request.headers),
                    _bytes(request.data),
                    url[: authority_end + 1],
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
