"""What an operator watches, as OpenTelemetry metrics.

tidemark.audit.broken_streams      streams that did not verify: of the whole log, or of the patrol's round so far
tidemark.audit.verified_streams    streams that the patrol has verified
"""

from opentelemetry.metrics import get_meter

_meter = get_meter("tidemark.audit")

broken_streams = _meter.create_gauge(
    "tidemark.audit.broken_streams", unit="{stream}", description="Streams that did not verify"
)
verified_streams = _meter.create_counter(
    "tidemark.audit.verified_streams", unit="{stream}", description="Streams that the patrol has verified"
)
