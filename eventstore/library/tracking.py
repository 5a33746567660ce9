"""The library's tracking positions on Cosmos DB: container `leases`, one document per upstream application."""

from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from azure.core import MatchConditions
from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from eventsourcing.persistence import IntegrityError, ProcessRecorder, Tracking, TrackingRecorder

from eventstore.cosmos.replicas import is_behind
from eventstore.errors import StoreBusy
from eventstore.library.recorder import CosmosApplicationRecorder
from eventstore.log.event_log import pause, unanswered
from eventstore.log.limits import check_partition_key

_ID: Final = "tracking"
_ATTEMPTS: Final = 8
_FIRST_PAUSE: Final = 0.005


class CosmosTrackingRecorder(TrackingRecorder):
    """How far a projection has come in each upstream application, and what it counted on the way.

    A view that is small enough to lie beside its position (2 MB at most) subclasses this and changes both in one write:

        def count(self, tracking: Tracking) -> None:
            self.update(tracking, lambda values: values.update(count=values.get("count", 0) + 1))
    """

    def __init__(self, positions: ContainerProxy) -> None:
        self._positions = positions

    def insert_tracking(self, tracking: Tracking) -> None:
        """Move the position forward.

        Raises:
            IntegrityError: it is there already, or further.
            StoreBusy: other writers were faster each time.
        """
        self.update(tracking, lambda _: None)

    def update(self, tracking: Tracking, change: Callable[[dict[str, Any]], None]) -> None:
        """Move the position forward and change, in place, the values (JSON) beside it: both or neither.

        `change` may be called several times. A write whose answer was lost is recognised by its name.

        Raises:
            IntegrityError: as `insert_tracking`; nothing is changed.
            StoreBusy: as `insert_tracking`, or no answer each time; the position tells whether anything was changed.
        """
        partition, write = _partition(tracking.application_name), uuid4().hex
        check_partition_key(partition, what="tracking position of")
        for attempt in range(_ATTEMPTS):
            if attempt:
                pause(_FIRST_PAUSE, attempt)
            if self._advance(tracking, change, write):
                return
        raise StoreBusy(partition, f"other writers were faster, or there was no answer, {_ATTEMPTS} times")

    def values(self, application_name: str) -> dict[str, Any]:
        """The values beside the position."""
        document = self._read(application_name)
        return {} if document is None else dict(document["values"])

    def max_tracking_id(self, application_name: str) -> int | None:
        """The position, None if nothing was tracked."""
        document = self._read(application_name)
        return None if document is None else int(document["position"])

    def _advance(self, tracking: Tracking, change: Callable[[dict[str, Any]], None], write: str) -> bool:
        """Whether this write is what stands there now."""
        current = self._read(tracking.application_name)
        partition, position = _partition(tracking.application_name), tracking.notification_id
        values = {} if current is None else current["values"]
        if current is not None and current.get("write") == write:
            return True
        if current is not None and current["position"] >= position:
            raise IntegrityError(
                f"position {position} of {tracking.application_name} is not beyond {current['position']}, "
                "which is tracked"
            )
        change(values)
        document = {
            "id": _ID,
            "consumer": partition,
            "kind": _ID,
            "position": position,
            "values": values,
            "write": write,
        }
        try:
            if current is None:
                self._positions.create_item(document)
            else:
                self._positions.replace_item(
                    _ID, document, etag=current["_etag"], match_condition=MatchConditions.IfNotModified
                )
        except (CosmosResourceExistsError, CosmosAccessConditionFailedError):
            return False
        except AzureError as error:
            if not unanswered(error):
                raise
            return False
        return True

    def _read(self, application_name: str) -> dict[str, Any] | None:
        try:
            return self._positions.read_item(_ID, _partition(application_name))
        except CosmosResourceNotFoundError as error:
            if is_behind(error):
                raise
            return None


class CosmosProcessRecorder(CosmosTrackingRecorder, CosmosApplicationRecorder, ProcessRecorder):
    """Both, but never together: a save with tracking is refused, and says what to do instead."""

    def __init__(self, events: ContainerProxy, positions: ContainerProxy) -> None:
        CosmosApplicationRecorder.__init__(self, events)
        CosmosTrackingRecorder.__init__(self, positions)


def _partition(application_name: str) -> str:
    return f"{_ID}:{application_name}"
