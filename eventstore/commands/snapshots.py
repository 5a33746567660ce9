"""The latest snapshot of each stream: one document per stream in a container of its own, found by one point read.

    { "id": "latest", "streamId": "account-5f0c…", "version": 700, "type": "snapshot", "enc": "json", "state": "{…}",
      "head": "<hash of event 700>" }

A snapshot only saves reading: whatever is wrong with one, the events have everything.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from eventsourcing.persistence import Mapper, StoredEvent

from eventstore.cosmos.queries import consistency
from eventstore.log.documents import from_text, to_text

LATEST: Final = "latest"

_logger = logging.getLogger(__name__)


Fold: TypeAlias = Callable[[Any, Iterable[Any]], Any]
"""`fold(aggregate or None, domain events) -> aggregate or None`, the library's projector function."""


class SnapshotClass(Protocol):
    """The library's protocol for snapshots, the part of it that takes one."""

    def take(self, aggregate: Any, /) -> Any: ...


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
            document = self._container.read_item(LATEST, stream, request_options=consistency(None))
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
        """Replace the latest snapshot. False, and a line in the log, if that fails: no command fails for a snapshot."""
        try:
            stored = self._mapper.to_stored_event(self._class.take(aggregate))
            enc, text = to_text(stored.state)
            self._container.upsert_item(
                {
                    "id": LATEST,
                    "streamId": stream,
                    "version": stored.originator_version,
                    "type": stored.topic,
                    "enc": enc,
                    "state": text,
                    "head": head,
                },
                request_options=consistency(None),
            )
        except Exception:
            _logger.exception("snapshot of stream %s was not taken; the next command tries again", stream)
            return False
        return True
