"""Reads of a tool that are asked again when the store does not answer them.

A service must answer somebody, soon, and lets its caller ask again. A tool has time, and nobody to ask again for it:
an audit of hours must not end because one page of millions took the store too long. Only reads: what a write did
when its answer says "I do not know" is for the protocol to find out that sent it.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from azure.core.pipeline.transport import HttpTransport

_TRIES: Final = 6
_PAUSE: Final = 0.2
_UNANSWERED: Final = frozenset({408, 449, 500, 502, 503, 504})
"""Neither 410, after which the SDK must look where things lie now, nor 429, which tells it how long to wait."""


class PatientTransport(HttpTransport[Any, Any]):
    """Hands requests to `inner`; a read that is not answered, again, for some seconds."""

    def __init__(self, inner: HttpTransport[Any, Any], *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._inner = inner
        self._wait = sleep

    def send(self, request: Any, **kwargs: Any) -> Any:
        response = self._inner.send(request, **kwargs)
        if not _reads(request):
            return response
        for attempt in range(1, _TRIES):
            if response.status_code not in _UNANSWERED:
                break
            self._wait(_PAUSE * 2**attempt)
            response = self._inner.send(request, **kwargs)
        return response

    def open(self) -> None:
        self._inner.open()

    def close(self) -> None:
        self._inner.close()

    def __enter__(self) -> "PatientTransport":
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._inner.__exit__(exc_type, exc_value, traceback)


def _reads(request: Any) -> bool:
    """A query is sent as a POST that says so."""
    return request.method == "GET" or str(request.headers.get("x-ms-documentdb-isquery", "")).lower() == "true"
