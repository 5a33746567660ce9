"""Every HTTP request of the SDK, seen before it is sent and when it is answered.

That includes what no hook of a single call sees: further pages, the SDK's own repeats, and metadata.
"""

from types import TracebackType
from typing import Any, Protocol

from azure.core.pipeline.transport import HttpTransport


class Observer(Protocol):
    """Told of each request on the thread that sends it."""

    def before(self, request: Any) -> Any:
        """The request is about to be sent; what is returned comes back in `after`. Raising keeps it from being sent."""

    def after(self, request: Any, response: Any | None, noted: Any) -> None:
        """It was answered; None when no answer came."""


class ObservedTransport(HttpTransport[Any, Any]):
    """Hands requests to `inner`, with `observer` looking on."""

    def __init__(self, inner: HttpTransport[Any, Any], observer: Observer) -> None:
        self._inner = inner
        self._observer = observer

    def send(self, request: Any, **kwargs: Any) -> Any:
        noted = self._observer.before(request)
        response = None
        try:
            response = self._inner.send(request, **kwargs)
        finally:
            self._observer.after(request, response, noted)
        return response

    def open(self) -> None:
        self._inner.open()

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> "ObservedTransport":
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._inner.__exit__(exc_type, exc_value, traceback)
