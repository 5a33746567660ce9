"""OpenTelemetry for the HTTP apps: a span and a duration per request, joined to the caller's trace.

Names follow the semantic conventions for HTTP (https://opentelemetry.io/docs/specs/semconv/http/). Without an SDK
configured all of this costs next to nothing, and a caller's traceparent still reaches the events.
"""

import time

from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Telemetry", "current_traceparent"]

_tracer = trace.get_tracer("tidemark.functions")
_meter = metrics.get_meter("tidemark.functions")
_PROPAGATED = (b"traceparent", b"tracestate", b"baggage")
_durations = _meter.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="per request",
    explicit_bucket_boundaries_advisory=(
        (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)  # the conventions'; seconds
    ),
)


class Telemetry:
    """ASGI middleware, the outermost. The route's template is the name, so that ids do not become names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parent = propagate.extract(_carrier(scope))
        answered: dict[str, int] = {}  # stays empty for a client that went away before its request was complete

        async def observe(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered["http.response.status_code"] = message["status"]
            await send(message)

        started = time.perf_counter()
        with _tracer.start_as_current_span(scope["method"], parent, SpanKind.SERVER) as span:
            try:
                await self._app(scope, receive, observe)
            finally:
                attributes = {"http.request.method": scope["method"], "http.route": _route(scope), **answered}
                span.update_name(f"{scope['method']} {_route(scope)}")
                span.set_attributes(attributes)
                if answered.get("http.response.status_code", 0) >= 500:
                    span.set_status(Status(StatusCode.ERROR))
                _durations.record(time.perf_counter() - started, attributes)


def _carrier(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"] if name in _PROPAGATED}


def current_traceparent() -> str | None:
    """The running span as a W3C traceparent: what an event keeps, so that its trace can be followed later."""
    span = trace.get_current_span().get_span_context()
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}" if span.is_valid else None


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "(none)")
