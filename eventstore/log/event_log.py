"""Appending to one stream and reading it back: the few requests that everything above is made of.

A write that gets no answer may have been made, or may still be on its way. It is sent again as it was, byte for byte:
the ids in it let it land once. "Already there" then has two meanings, and only a read at the session token of that
very answer tells them apart, for a replica may lag behind the answer and the first request behind the second.

Writes and first reads ask for no session consistency, which would cost the SDK a third of the request's time. Reads
that must see something carry its session token.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosClientTimeoutError

from eventstore.cosmos.queries import consistency, run_query
from eventstore.cosmos.replicas import SESSION, is_behind, session_of
from eventstore.errors import StoreBusy, StoreUnavailable
from eventstore.log.documents import Document, event_id
from eventstore.log.limits import check_limits

_CONFLICT: Final = 409
_THROTTLED: Final = 429
_UNANSWERED: Final = frozenset({408, 410, 449, 500, 502, 503, 504})
"""The service, or something on the way, says that it does not know."""

_ATTEMPTS: Final = 4
_FIRST_PAUSE: Final = 0.05

_AFTER: Final = "SELECT * FROM c WHERE c.id > @version"
_AFTER_OR_COMMAND: Final = "SELECT * FROM c WHERE c.id > @version OR c.commandId = @command"
_FORWARD: Final = "SELECT * FROM c WHERE c.id >= @low AND c.id <= @high ORDER BY c.id ASC"
_BACKWARD: Final = "SELECT * FROM c WHERE c.id >= @low AND c.id <= @high ORDER BY c.id DESC"
_BEFORE_ALL: Final = "."
"""Sorts behind outcomes and before version 0."""


class Taken(Exception):
    """A version or a command of the write is there already. `session` is the session token that saw it.

    What is there may be the write itself: sent before and never answered, also by the SDK, which sends some requests
    again without a word.
    """

    def __init__(self, session: str) -> None:
        super().__init__(session)
        self.session = session


@dataclass(frozen=True, slots=True)
class Tail:
    """The documents behind a version, by id, and whatever a command left behind; the session token of the read."""

    events: list[Document]
    of_command: Document | None
    session: str


class EventLog:
    """The container `events`. Safe for any number of threads."""

    def __init__(self, events: ContainerProxy) -> None:
        self._events = events

    def append(self, stream: str, documents: Sequence[Document]) -> str:
        """Create all documents or none, and return the session token that has seen them.

        Raises:
            Taken: a version or a command of them is there.
            TooManyEvents, EventTooLarge: before anything is sent.
            StoreBusy: throttled. The SDK may have sent the documents before, and written them.
            StoreUnavailable: no answer.
        """
        check_limits(stream, documents)
        unsure = False
        for attempt in range(_ATTEMPTS):
            if attempt:
                pause(_FIRST_PAUSE, attempt)
            try:
                return self._create(stream, documents)
            except AzureError as error:
                status = status_of(error)
                if status == _CONFLICT:
                    raise Taken(session_of(error)) from None
                if status == _THROTTLED and not unsure:
                    raise StoreBusy(stream, "Cosmos DB throttles it") from error
                if status != _THROTTLED and not unanswered(error):
                    raise
                unsure = True
        raise StoreUnavailable(stream, _ATTEMPTS)

    def tail(
        self, stream: str, version: int | None, *, command_id: str | None = None, session: str | None = None
    ) -> Tail:
        """All events behind `version` (None: all), and the document of a command wherever it is: one query.

        `session` is the token of something that the read must see.
        """
        parameters: list[dict[str, object]] = [
            {"name": "@version", "value": _BEFORE_ALL if version is None else event_id(version)}
        ]
        if command_id is not None:
            parameters.append({"name": "@command", "value": command_id})
        seen = _Seen()
        documents = run_query(
            lambda: self._events.query_items(
                _AFTER if command_id is None else _AFTER_OR_COMMAND,
                parameters=parameters,
                partition_key=stream,
                response_hook=seen,
                feed_options=consistency(session),
            )
        )
        return _sorted(documents, version, command_id, seen.session)

    def between(
        self, stream: str, low: int, high: int, *, descending: bool, limit: int | None, session: str | None
    ) -> Tail:
        """At most `limit` events from version `low` to `high`, both inclusive, in order."""
        seen = _Seen()
        documents = run_query(
            lambda: self._events.query_items(
                _BACKWARD if descending else _FORWARD,
                parameters=[{"name": "@low", "value": event_id(low)}, {"name": "@high", "value": event_id(high)}],
                partition_key=stream,
                max_item_count=limit,
                response_hook=seen,
                feed_options=consistency(session),
            ),
            limit=limit,
        )
        return Tail(documents, None, seen.session)

    def has(self, stream: str, document: Document, session: str) -> bool:
        """Whether it is this very document that took its version, as its writer made it."""
        version = document["version"]
        tail = self.between(stream, version, version, descending=False, limit=1, session=session)
        return any(document.items() <= found.items() for found in tail.events)

    def fence(self, stream: str, document: Document) -> str:
        """A session token that has seen everything acknowledged so far, by whichever process.

        A read of the partition at it is as fresh as a read can be. The token comes from a transaction that cannot
        succeed, twice the same document, so it leaves no trace; only the primary replica can refuse it.
        """
        try:
            self.append(stream, [document, document])
        except Taken as taken:
            return taken.session
        raise AssertionError(f"stream {stream}: two documents with id {document['id']} were created in one transaction")

    def _create(self, stream: str, documents: Sequence[Document]) -> str:
        seen = _Seen()
        if len(documents) == 1:
            self._events.create_item(documents[0], response_hook=seen, request_options=consistency(None))
        else:
            operations = [("create", (document,)) for document in documents]
            self._events.execute_item_batch(operations, stream, response_hook=seen, request_options=consistency(None))
        return seen.session


class _Seen:
    """A response hook: the SDK's own record of the last headers is shared by all threads."""

    session = ""

    def __call__(self, headers: Mapping[str, str], _: Any) -> None:
        self.session = headers.get(SESSION, "")


def _sorted(documents: list[Document], version: int | None, command_id: str | None, session: str) -> Tail:
    bound = _bound(version)
    of_command = next((each for each in documents if each["commandId"] == command_id), None)
    events = sorted((each for each in documents if each["id"] > bound), key=_by_id)
    return Tail(events, of_command, session)


def _bound(version: int | None) -> str:
    return _BEFORE_ALL if version is None else event_id(version)


def _by_id(document: Document) -> str:
    return str(document["id"])


def status_of(error: AzureError) -> int | None:
    """The HTTP status of a refusal, for a batch that of the operation that failed it."""
    return error.status_code if isinstance(error, HttpResponseError | CosmosBatchOperationError) else None


def unanswered(error: AzureError) -> bool:
    """Whether it is unknown if the request was carried out."""
    if isinstance(error, ServiceRequestError | ServiceResponseError | CosmosClientTimeoutError):
        return True
    return status_of(error) in _UNANSWERED or is_behind(error)


def pause(first: float, attempt: int, *, longest: float = 1.0, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait before attempt number `attempt` (from 1): doubling, bounded, and of random length so that rivals part."""
    sleep(min(longest, first * 2 ** (attempt - 1)) * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
