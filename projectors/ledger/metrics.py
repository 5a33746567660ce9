"""What an operator watches, as OpenTelemetry metrics. Without an SDK configured they cost next to nothing.

tidemark.transfers.stuck       transfers that a watchdog found and could not bring to their end
tidemark.transfers.oldest      the age of the oldest of them in seconds, 0 when there is none
tidemark.transfers.resumed     transfers that a watchdog brought to their end
tidemark.holds.expired         holds released because their time was over
"""

from opentelemetry.metrics import get_meter

_meter = get_meter("tidemark.processes")

stuck = _meter.create_gauge("tidemark.transfers.stuck", unit="{transfer}", description="Could not be ended")
oldest = _meter.create_gauge("tidemark.transfers.oldest", unit="s", description="Age of the oldest that is stuck")
resumed = _meter.create_counter("tidemark.transfers.resumed", unit="{transfer}", description="Ended by a watchdog")
expired = _meter.create_counter("tidemark.holds.expired", unit="{hold}", description="Released by their time")
