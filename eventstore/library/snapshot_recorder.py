"""The library's snapshots on Cosmos DB: container `snapshots`, one document per version, beside the latest ones of
`eventstore.commands.snapshots`, whose ids sort behind every version."""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy
from eventsourcing.persistence import AggregateRecorder, StoredEvent
from typing_extensions import override

from eventstore.errors import NotSupported, StoreError, VersionConflict
from eventstore.log.documents import MAX_VERSION, Document, event_id, from_text, to_text
from eventstore.log.event_log import EventLog, Taken
from eventstore.log.limits import check_stream

_logger = logging.getLogger(__name__)


class CosmosSnapshotRecorder(AggregateRecorder):
    """Snapshots as stored events. Versions may have gaps."""

    def __init__(self, snapshots: ContainerProxy) -> None:
        self._log = EventLog(snapshots)

    @override
    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Add snapshots of one aggregate.

        `Application.save()` takes them after the events are stored, so a database that does not answer, or a snapshot
        that is too large, is a line in the log and no error.

        Raises:
            VersionConflict: there is a snapshot of this version.
            NotSupported: snapshots of several aggregates in one transaction.
            NameInvalid: no stream can have this name.
        """
        if not stored_events:
            return None
        stream = str(stored_events[0].originator_id)
        if any(str(each.originator_id) != stream for each in stored_events):
            raise NotSupported("snapshots are added one aggregate at a time")
        check_stream(stream)
        documents = [_document(stream, each) for each in stored_events]
        try:
            is_taken = self._is_taken(stream, documents)
        except (AzureError, StoreError):
            _logger.exception("snapshot of stream %s was not stored; its events are all there", stream)
            return None
        if is_taken:
            raise VersionConflict(stream, documents[0]["version"])
        return None

    def _is_taken(self, stream: str, documents: list[Document]) -> bool:
        """Write them, and say whether others were there in their place."""
        try:
            self._log.append(stream, documents)
        except Taken as taken:
            return not self._log.has(stream, documents[0], taken.session)
        return False

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The snapshots of one aggregate, each with the id as it was given."""
        low, high = 0 if gt is None else gt + 1, MAX_VERSION if lte is None else lte
        tail = self._log.between(str(originator_id), low, high, descending=desc, limit=limit or None, session=None)
        return [
            StoredEvent(originator_id, each["version"], each["type"], from_text(each["enc"], each["state"]))
            for each in tail.events
        ]


def _document(stream: str, stored: StoredEvent) -> Document:
    enc, text = to_text(stored.state)
    return {
        "id": event_id(stored.originator_version),
        "streamId": stream,
        "version": stored.originator_version,
        "type": stored.topic,
        "enc": enc,
        "state": text,
        "meta": str(uuid4()),  # tells a write that was sent twice from another one of the same snapshot
    }
