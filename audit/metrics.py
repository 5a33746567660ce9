"""What an operator watches, as OpenTelemetry metrics.

tidemark.audit.broken_streams      streams that did not verify: of the whole log, or of the patrol's round so far
tidemark.audit.verified_streams    streams that the patrol has verified
tidemark.audit.wrong_snapshots     snapshots that are not the fold of their events, of those that the patrol has folded
"""

from opentelemetry.metrics import get_meter

_meter = get_meter("tidemark.audit")

broken_streams = _meter.create_gauge(
    "tidemark.audit.broken_streams", unit="{stream}", description="Streams that did not verify"
)
verified_streams = _meter.create_counter(
    "tidemark.audit.verified_streams", unit="{stream}", description="Streams that the patrol has verified"
)
wrong_snapshots = _meter.create_counter(
    "tidemark.audit.wrong_snapshots",
    unit="{snapshot}",
    description="Snapshots that are not the fold of their events, of those that the patrol has folded",
)
