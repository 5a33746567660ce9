"""The latest snapshot of each stream: one document per stream in a container of its own, found by one point read.

    { "id": "latest-1-8d3f0c5b2a9e4716", "streamId": "account-5f0c…", "version": 700, "type": "snapshot", "enc": "json",
      "state": "{…}", "head": "<hash of event 700>" }

A snapshot only saves reading: whatever is wrong with one, the events have everything. That holds while it is a fold by
the program that reads it. Another version of the program may lack a field, or an event that it then never sees again.
So what follows "latest-" is the version of the state, and each version of the program has snapshots of its own.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from eventsourcing.persistence import Mapper, StoredEvent

from eventstore.cosmos.queries import consistency
from eventstore.log.documents import Document, from_text, to_text
from eventstore.log.event_log import status_of
from eventstore.log.limits import check_id, check_size

_NEVER: Final = frozenset({400, 413})
"""What the service refuses today it refuses tomorrow."""

_IMPOSSIBLE: Final = (
    "snapshot of stream %s cannot be taken; its events are read instead, and it is tried again much later"
)

_logger = logging.getLogger(__name__)


Fold: TypeAlias = Callable[[Any, Iterable[Any]], Any]
"""`fold(aggregate or None, domain events) -> aggregate or None`, the library's projector function."""


class SnapshotClass(Protocol):
    """The library's protocol for snapshots, the part of it that takes one."""

    def take(self, aggregate: Any, /) -> Any: ...

    def version_of(self, stream: str, /) -> str:
        """The version of the state that this program folds a stream into. It goes into ids: letters, digits, "-"."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`aggregate` after event `version`, whose hash is `head`."""

    aggregate: Any
    version: int
    head: str


class Snapshots:
    """The container `snapshots`, as command handlers use it."""

    def __init__(
        self, container: ContainerProxy, mapper: Mapper[Any], fold: Fold, snapshot_class: SnapshotClass
    ) -> None:
        self._container = container
        self._mapper = mapper
        self._fold = fold
        self._class = snapshot_class

    def read(self, stream: str) -> Snapshot | None:
        """The latest snapshot, None if there is none or none that can be read."""
        try:
            document = self._container.read_item(self._id(stream), stream, request_options=consistency(None))
        except CosmosResourceNotFoundError:
            return None
        try:
            state = from_text(document["enc"], document["state"])
            stored = StoredEvent(stream, document["version"], document["type"], state)
            aggregate = self._fold(None, [self._mapper.to_domain_event(stored)])
            return Snapshot(aggregate, document["version"], document["head"])
        except Exception:
            _logger.exception("snapshot of stream %s cannot be read; its events are read instead", stream)
            return None

    def write(self, stream: str, aggregate: Any, head: str) -> bool:
        """Replace the latest snapshot. No command fails for one: what goes wrong is a line in the log.

        Returns whether that is settled: False if the next command should try again.
        """
        try:
            self._container.upsert_item(self._document(stream, aggregate, head), request_options=consistency(None))
        except AzureError as error:
            if status_of(error) in _NEVER:
                _logger.exception(_IMPOSSIBLE, stream)
                return True
            _logger.exception("snapshot of stream %s was not taken; the next command tries again", stream)
            return False
        except Exception:
            _logger.exception(_IMPOSSIBLE, stream)
        return True

    def same(self, one: Any, other: Any) -> bool:
        """Whether two aggregates make the same snapshot."""
        return bool(self._class.take(one) == self._class.take(other))

    def _id(self, stream: str) -> str:
        return f"latest-{self._class.version_of(stream)}"

    def _document(self, stream: str, aggregate: Any, head: str) -> Document:
        stored = self._mapper.to_stored_event(self._class.take(aggregate))
        enc, text = to_text(stored.state)
        document: Document = {
            "id": self._id(stream),
            "streamId": stream,
            "version": stored.originator_version,
            "type": stored.topic,
            "enc": enc,
            "state": text,
            "head": head,
        }
        check_id(document["id"], what="snapshot")
        check_size(stream, "snapshot", document)
        return document
