"""The library's recorders on Cosmos DB.

Versions that were read or written last are remembered with their hashes, so that an append knows what it follows; a
stream that this process has not seen costs one more request. What Cosmos DB has no transaction for is refused.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID, uuid4

from azure.cosmos import ContainerProxy
from eventsourcing.persistence import AggregateRecorder, ApplicationRecorder, Notification, StoredEvent, Subscription
from eventsourcing.utils import TopicError, resolve_topic
from typing_extensions import override

from eventstore.errors import NotSupported, VersionConflict
from eventstore.log.chain import genesis
from eventstore.log.documents import MAX_VERSION, Document, command_ids, event_id, from_text, sealed
from eventstore.log.event_log import EventLog, Taken
from eventstore.log.fence import fence
from eventstore.log.limits import check_stream
from eventstore.log.mapper import schema_of
from eventstore.log.outcomes import Command

_REMEMBERED: Final = 10_000
_NO_LOG: Final = (
    "Cosmos DB has no order over all streams, so there is no notification log: "
    "read the change feed (projectors.processor.worker), which is in order within each stream"
)


@dataclass(frozen=True, slots=True)
class _Head:
    """A version (None: the stream was empty) and its hash, and the session token that saw it."""

    version: int | None
    hash: str
    session: str


class _Heads:
    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._heads: OrderedDict[str, _Head] = OrderedDict()

    def get(self, stream: str) -> _Head | None:
        with self._guard:
            return self._heads.get(stream)

    def put(self, stream: str, head: _Head) -> None:
        with self._guard:
            self._heads[stream] = head
            self._heads.move_to_end(stream)
            if len(self._heads) > _REMEMBERED:
                self._heads.popitem(last=False)


class CosmosAggregateRecorder(AggregateRecorder):
    """Stored events of aggregates in the container `events`."""

    def __init__(self, events: ContainerProxy) -> None:
        self._log = EventLog(events)
        self._heads = _Heads()

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Append the events of one aggregate, all or none.

        Keyword arguments are those of `Application.save()`: `command` (`eventstore.log.outcomes.Command`) makes the
        save idempotent and adds its metadata, `metadata` (a mapping of strings) goes into the events' meta.

        Raises:
            VersionConflict: a version is taken, or the command was recorded before.
            NotSupported: events of several aggregates, or tracking, in one transaction; a command that is claimed.
            NameInvalid, TooManyEvents, EventTooLarge: before anything is sent.
        """
        if kwargs.get("tracking") is not None:
            raise NotSupported(
                "events and a tracking position lie in different partitions and cannot be saved together: "
                "make the command's id from the position (insert_events(..., command=...)), then track it"
            )
        if not stored_events:
            return None
        stream = str(stored_events[0].originator_id)
        if any(str(each.originator_id) != stream for each in stored_events):
            raise NotSupported(
                "a transaction holds the events of one aggregate: save them one after the other, "
                "each step with a command id of its own so that it can be repeated"
            )
        check_stream(stream)
        command: Command | None = kwargs.get("command")
        if command is not None and command.claimed_in is not None:
            raise NotSupported(
                f"command {command.id} is to be claimed in {command.claimed_in}: run it by a CommandStore"
            )
        documents = self._documents(stream, stored_events, command, kwargs.get("metadata") or {})
        self._append(stream, documents)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of one aggregate, each with the id as it was given.

        One event before the first is read too: whatever is appended next must name its hash.
        """
        stream = str(originator_id)
        early = 1 if gt is not None and limit and not desc else 0
        known = self._heads.get(stream)
        tail = self._log.between(
            stream,
            0 if gt is None else gt,
            MAX_VERSION if lte is None else lte,
            descending=desc,
            limit=limit + early if limit else None,
            session=known.session if known else None,
        )
        self._remember(stream, tail.events, tail.session, complete=gt is None and lte is None)
        return [_stored(originator_id, each) for each in tail.events if gt is None or each["version"] > gt][
            : limit or None
        ]

    def _append(self, stream: str, documents: list[Document]) -> None:
        last = documents[-1]
        try:
            session = self._log.append(stream, documents)
        except Taken as taken:
            session = taken.session
            if not self._log.has(stream, documents[0], session):
                self._forget(stream, session)
                raise VersionConflict(stream, documents[0]["version"]) from None
        self._heads.put(stream, _Head(last["version"], last["hash"], session))

    def _documents(
        self, stream: str, stored_events: Sequence[StoredEvent], command: Command | None, metadata: Mapping[str, str]
    ) -> list[Document]:
        count = len(stored_events)
        common = {"recorded_at": datetime.now(UTC).isoformat(), **metadata, **(command.metadata if command else {})}
        first = {"fingerprint": command.fingerprint, "count": count, "answer": {}} if command else {}
        documents: list[Document] = []
        prev = self._hash_before(stream, stored_events[0].originator_version)
        for stored, command_id in zip(
            stored_events, command_ids(command.id if command else uuid4().hex, count), strict=True
        ):
            documents.append(
                sealed(
                    event_id(stored.originator_version),
                    stream=stream,
                    version=stored.originator_version,
                    type_name=stored.topic,
                    schema=_schema(stored.topic),
                    state=stored.state,
                    meta={"id": str(uuid4()), **common, **({} if documents else first)},
                    command_id=command_id,
                    prev=prev,
                )
            )
            prev = documents[-1]["hash"]
        return documents

    def _hash_before(self, stream: str, version: int) -> str:
        if version == 0:
            return genesis(stream)
        head = self._heads.get(stream)
        if head is not None and (head.version == version - 1 or (head.version is None and version == 1)):
            return head.hash
        session = head.session if head else None
        before = self._last(stream, version - 1, session)
        if before is None or before["version"] != version - 1:
            # A replica that lags behind shows less than there is; this moment's session token shows all.
            before = self._last(stream, version - 1, fence(self._log, stream, uuid4().hex))
        if before is None:
            return genesis(stream)
        if before["version"] != version - 1:
            raise VersionConflict(stream, version)
        return str(before["hash"])

    def _last(self, stream: str, upto: int, session: str | None) -> Document | None:
        tail = self._log.between(stream, 0, upto, descending=True, limit=1, session=session)
        return tail.events[0] if tail.events else None

    def _remember(self, stream: str, documents: Sequence[Document], session: str, *, complete: bool) -> None:
        if documents:
            last = max(documents, key=_version)
            self._heads.put(stream, _Head(last["version"], last["hash"], session))
        elif complete:
            self._heads.put(stream, _Head(None, genesis(stream), session))

    def _forget(self, stream: str, session: str) -> None:
        """Keep only the session token, so that the next read sees what was in the way."""
        self._heads.put(stream, _Head(-1, "", session))


class CosmosApplicationRecorder(CosmosAggregateRecorder, ApplicationRecorder):
    """Stored events of an application. There is no sequence over all of them: use the change feed."""

    @override
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """
        Raises:
            NotSupported: always.
        """
        raise NotSupported(_NO_LOG)

    def max_notification_id(self) -> int | None:
        """
        Raises:
            NotSupported: always.
        """
        raise NotSupported(_NO_LOG)

    @override
    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """
        Raises:
            NotSupported: always.
        """
        raise NotSupported(_NO_LOG)


def _stored(originator_id: UUID | str, document: Document) -> StoredEvent:
    state = from_text(document["enc"], document["state"])
    return StoredEvent(originator_id, document["version"], document["type"], state)


def _version(document: Document) -> int:
    return int(document["version"])


@lru_cache(maxsize=1024)
def _schema(topic: str) -> int:
    """The schema of the class that a topic names; 1 if it names none, as the library allows."""
    try:
        found = resolve_topic(topic)
    except TopicError:
        return 1
    return schema_of(found) if isinstance(found, type) else 1
