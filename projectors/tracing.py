"""A span for each write of a consumer, linked to the requests whose events it brought.

So a trace leads from a request to the view, and to the hub, that has its effect. A write serves many requests, so it is
nobody's child: links are what OpenTelemetry has for that (https://opentelemetry.io/docs/concepts/signals/traces/#span-links).
Without an SDK configured nothing is looked at.
"""

from collections.abc import Iterable, Mapping

import orjson
from opentelemetry import trace
from opentelemetry.trace import SpanContext, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

MAX_LINKS = 128
"""The SDK's own limit of links per span."""

_tracer = trace.get_tracer("tidemark.projector")
_propagator = TraceContextTextMapPropagator()


def applied(labels: Mapping[str, str], events: int, metas: Iterable[str], *, began: int) -> None:
    """`events` have had their effect on the consumer and range of `labels`; `metas` are those of the first of them.

    `began`: when writing began, in nanoseconds since 1970.
    """
    span = _tracer.start_span(f"apply {labels['consumer']}", kind=SpanKind.CONSUMER, start_time=began)
    if span.is_recording():
        span.set_attributes({**labels, "events": events})
        for context in {context.span_id: context for context in _requests(metas)}.values():
            span.add_link(context)
    span.end()


def _requests(metas: Iterable[str]) -> Iterable[SpanContext]:
    for meta in metas:
        traceparent = orjson.loads(meta).get("traceparent")
        if isinstance(traceparent, str):
            context = trace.get_current_span(_propagator.extract({"traceparent": traceparent})).get_span_context()
            if context.is_valid:
                yield context
