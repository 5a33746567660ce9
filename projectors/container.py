"""Container client: sends reads and conditional writes, waits while throttled, sorts failures into five kinds.

Throttling (429) means "not done, come again after so long": it is waited out here, as long as the worker lives, but not
for people, whose requests would pile up. All other failures are sorted into the few kinds that the protocols above
distinguish; what fits none of them passes through as the SDK raised it.

    409, 412, and 404 of a write    Conflict      somebody else was there first
    no answer, 408, 410, 449, 5xx   Unanswered    it may have happened
    404 of a replica that lags      Unanswered
    400, 413 of a write             Rejected      it will never happen
    no JSON for what is written     Rejected
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosClientTimeoutError, CosmosResourceNotFoundError

from eventstore.cosmos.queries import read_pages, run_query, unraced
from eventstore.cosmos.replicas import is_behind
from projectors.errors import Conflict, Rejected, Stopping, Unanswered
from projectors.storable import check_value
from projectors.throughput.charges import BATCH, QUERY, about_query
from projectors.throughput.meter import Meter
from projectors.throughput.retries import Retries, book

Document: TypeAlias = dict[str, Any]
Operation: TypeAlias = tuple[str, tuple[Any, ...]] | tuple[str, tuple[Any, ...], dict[str, Any]]
T = TypeVar("T")

_CONFLICTS = frozenset((404, 409, 412))
_UNANSWERED = frozenset((408, 410, 449, 500, 502, 503, 504))
_REJECTED = frozenset((400, 413))
_NO_ANSWER = (ServiceRequestError, ServiceResponseError, CosmosClientTimeoutError)
_RETRY_AFTER = "x-ms-retry-after-ms"
_DEFAULT_RETRY_AFTER = 0.1
_IDS_PER_QUERY = 200
_ROWS_PER_PAGE = 1000
_BY_IDS = "SELECT * FROM c WHERE c.id"


class Container:
    """Reads and conditional writes of one container; every answer is booked in the meter.

    `stop` ends waits for a throttled store with `Stopping`; without it nothing is waited for and the 429 is raised.
    """

    def __init__(self, container: ContainerProxy, *, meter: Meter, stop: threading.Event | None) -> None:
        self.container = container
        self.meter = meter
        self._patient = stop is not None
        self._stop = stop or threading.Event()
        self.hooks: dict[str, Any] = {"response_hook": self._book, "raw_response_hook": self._listen}
        """Keyword arguments of the SDK's calls that book their answers."""

    def read(self, id_: str, partition: str) -> Document | None:
        """A point read; None when there is no such item."""

        def request() -> Document | None:
            try:
                return self.container.read_item(id_, partition, **self.hooks)
            except CosmosResourceNotFoundError as error:
                if is_behind(error):
                    raise
                self._book(error.headers or {})
                return None

        return self.send(request)

    def query(self, sql: str, partition: str | None = None, /, **parameters: Any) -> list[Document]:
        """All rows of a query in one logical partition, or in all of them."""
        scope: dict[str, Any] = (
            {"enable_cross_partition_query": True} if partition is None else {"partition_key": partition}
        )

        def request() -> list[Document]:
            return run_query(
                lambda: self.container.query_items(
                    sql,
                    parameters=[{"name": f"@{name}", "value": value} for name, value in parameters.items()],
                    max_item_count=self._fitting(sql, _ROWS_PER_PAGE),
                    **self.hooks,
                    **scope,
                )
            )

        return self.send(request)

    def read_many(self, partition: str, ids: Sequence[str]) -> list[Document]:
        """Those of the items that are there. A point read for one (1 RU), queries for more."""
        if len(ids) == 1:
            found = self.read(ids[0], partition)
            return [] if found is None else [found]
        documents: list[Document] = []
        at_once = self._fitting(_BY_IDS, _IDS_PER_QUERY)
        for start in range(0, len(ids), at_once):
            some = {f"id{number}": id_ for number, id_ in enumerate(ids[start : start + at_once])}
            names = ", ".join(f"@{name}" for name in some)
            documents += self.query(f"{_BY_IDS} IN ({names})", partition, **some)
        return documents

    def scan(self, sql: str, /, **parameters: Any) -> Iterator[Document]:
        """All rows of a query over all partitions, a page at a time: memory does not grow with them."""
        token: str | None = None
        while True:
            rows, token = self.send(partial(unraced, partial(self._scan_page, sql, parameters, token)))
            yield from rows
            if token is None:
                return

    def _scan_page(
        self, sql: str, parameters: Mapping[str, Any], token: str | None
    ) -> tuple[list[Document], str | None]:
        captured: list[Mapping[str, Any]] = []
        found = self.container.query_items(
            sql,
            parameters=[{"name": f"@{name}", "value": value} for name, value in parameters.items()],
            enable_cross_partition_query=True,
            max_item_count=self._fitting(sql, _ROWS_PER_PAGE),
            **self._hearing(captured),
        )
        rows = next(read_pages(found, token), [])
        # Not the iterator's own token: that is taken from the last answer to any thread.
        return rows, captured[-1].get("x-ms-continuation")

    def create(self, document: Document) -> str:
        """Creates the item; its etag. Raises Conflict when there is one."""
        return self._etag_of(lambda hooks: self.container.create_item(document, **hooks), document)

    def replace(self, document: Document, etag: str) -> str:
        """Replaces the item If-Match; its new etag. Raises Conflict when it has changed or gone."""
        return self._etag_of(
            lambda hooks: self.container.replace_item(
                document["id"],
                document,
                etag=etag,
                match_condition=MatchConditions.IfNotModified,
                **hooks,
            ),
            document,
        )

    def delete(self, id_: str, partition: str) -> None:
        """Deletes the item; Conflict when it has gone."""
        self.send(lambda: self.container.delete_item(id_, partition, **self.hooks))

    def batch(self, partition: str, operations: Sequence[Operation]) -> list[str]:
        """One transactional batch; the new etags, in the order of the operations ("" for a delete)."""
        results = self._written(
            lambda: self.container.execute_item_batch(operations, partition, **self.hooks),
            [operation[1] for operation in operations],
        )
        return [result.get("eTag") or "" for result in results]

    def send(self, request: Callable[[], T]) -> T:
        """The request's answer, however often it is throttled; its failures in this room's terms."""
        while True:
            try:
                return request()
            except AzureError as error:
                self._wait_or_raise(error)

    def _written(self, request: Callable[[], T], content: Any) -> T:
        """As `send`; raises Rejected when it is the content that the SDK has no JSON for."""
        try:
            return self.send(request)
        except (TypeError, ValueError, RecursionError):
            check_value(content)
            raise

    def operations(self, most: int) -> int:
        """How many operations a batch may have now, at most so many."""
        return self.meter.fitting(BATCH, self.container.id, most)

    def _fitting(self, sql: str, rows: int) -> int:
        return self.meter.fitting(QUERY, about_query(self.container.id, sql), rows)

    def _etag_of(self, request: Callable[[dict[str, Any]], Any], document: Document) -> str:
        captured: list[Mapping[str, Any]] = []
        self._written(lambda: request(self._hearing(captured)), document)
        return str(captured[-1]["etag"])

    def _hearing(self, captured: list[Mapping[str, Any]]) -> dict[str, Any]:
        """The hooks that also keep the headers of the call's own answers."""

        def hook(headers: Mapping[str, Any], *_: Any) -> None:
            captured.append(headers)
            self._book(headers)

        return self.hooks | {"response_hook": hook}

    def _book(self, headers: Mapping[str, Any], *_: Any) -> None:
        self.meter.charge(headers)

    def _listen(self, response: Any) -> None:
        """Hears every answer, those too after which the SDK itself waits and sends again."""
        if response.http_response.status_code == 429:
            self.meter.throttled(_retry_after(response.http_response.headers))
            book(Retries(throttled=1))

    def _wait_or_raise(self, error: AzureError) -> None:
        if isinstance(error, _NO_ANSWER):
            book(Retries(errors=1))
            raise Unanswered(f"{self.container.id}: no answer: {error}") from error
        status = getattr(error, "status_code", None)
        headers = getattr(error, "headers", None) or {}
        self.meter.charge(headers)
        index = getattr(error, "error_index", None) or 0
        if status == 429 and self._patient:
            if self._stop.wait(_retry_after(headers)):
                raise Stopping(f"{self.container.id}: told to stop while throttled") from error
            return
        if status in _CONFLICTS and not is_behind(error):
            book(Retries(conflicts=1))
            raise Conflict(f"{self.container.id}: {status}", index) from error
        if status in _UNANSWERED or is_behind(error):
            book(Retries(errors=1))
            raise Unanswered(f"{self.container.id}: {status}") from error
        if status in _REJECTED:
            raise Rejected(f"{self.container.id}: {status}: {error.message}", index) from error
        raise error


def _retry_after(headers: Mapping[str, Any]) -> float:
    """Seconds."""
    return float(headers.get(_RETRY_AFTER) or _DEFAULT_RETRY_AFTER * 1000) / 1000
