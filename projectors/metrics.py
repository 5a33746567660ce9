"""What an operator watches, as OpenTelemetry metrics. Without an SDK configured they cost next to nothing.

tidemark.projector.events              events applied                              consumer
tidemark.projector.retries             steps that failed and were taken again      consumer
tidemark.projector.parks               streams parked                              view
tidemark.projector.throttled           seconds waited because the store said 429
tidemark.projector.lag.transactions    behind the log, per range held              consumer, range
tidemark.projector.lag.events          the same in events, going by the last page  consumer, range
tidemark.projector.lag.seconds         age of what is applied next, 0 caught up    consumer, range
tidemark.projector.silence             seconds since a step at work heard anything consumer, range
"""

import weakref
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

_meter = get_meter("tidemark.projectors")

events = _meter.create_counter("tidemark.projector.events", unit="{event}", description="Events applied")
retries = _meter.create_counter("tidemark.projector.retries", unit="{step}", description="Steps taken again")
parks = _meter.create_counter("tidemark.projector.parks", unit="{stream}", description="Streams parked")
throttled = _meter.create_counter("tidemark.projector.throttled", unit="s", description="Time waited for 429")


class Lag(NamedTuple):
    """How far behind the log."""

    transactions: int
    events: int
    seconds: float


class Lagging(Protocol):
    """One range at work."""

    @property
    def labels(self) -> dict[str, str]: ...

    @property
    def lag(self) -> Lag:
        """As of the last page."""

    @property
    def silence(self) -> float:
        """Seconds since the step under way heard from the store, 0 between steps."""


_ranges: "weakref.WeakSet[Lagging]" = weakref.WeakSet()


def watch(lagging: Lagging) -> None:
    """Reports the lag of a range for as long as it is worked."""
    _ranges.add(lagging)


def unwatch(lagging: Lagging) -> None:
    """The range is no longer worked here."""
    _ranges.discard(lagging)


def _transactions(_: CallbackOptions) -> Iterable[Observation]:
    return [Observation(lagging.lag.transactions, lagging.labels) for lagging in list(_ranges)]


def _events(_: CallbackOptions) -> Iterable[Observation]:
    return [Observation(lagging.lag.events, lagging.labels) for lagging in list(_ranges)]


def _seconds(_: CallbackOptions) -> Iterable[Observation]:
    return [Observation(lagging.lag.seconds, lagging.labels) for lagging in list(_ranges)]


def _silences(_: CallbackOptions) -> Iterable[Observation]:
    return [Observation(lagging.silence, lagging.labels) for lagging in list(_ranges)]


_meter.create_observable_gauge(
    "tidemark.projector.silence", [_silences], unit="s", description="Since a step at work heard from the store"
)
_meter.create_observable_gauge(
    "tidemark.projector.lag.transactions", [_transactions], unit="{transaction}", description="Behind the log"
)
_meter.create_observable_gauge("tidemark.projector.lag.events", [_events], unit="{event}", description="Behind the log")
_meter.create_observable_gauge("tidemark.projector.lag.seconds", [_seconds], unit="s", description="Behind the log")
