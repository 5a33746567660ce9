"""What a query sees of a view: items, and how fresh they are.

    reader = ViewReader(client, "tidemark", VIEWS)
    reader.get("account-summary", "account-alice", after=position, wait=2.0)
    reader.page("statement", "account-alice", limit=50, descending=True)

Every answer says which version of the stream it reflects and when that was recorded. A position
(`eventstore.log.position`) makes a reader wait, bounded, until the view has come that far; then it answers with what
there is and says whether it has. Answers of one reader do not go back: once it has given version 7 of a
stream, it waits up to MAX_WAIT seconds for version 7, also when a generation has just begun to serve that has only 6.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure.cosmos import CosmosClient

from eventstore.cosmos.containers import VIEWS as CONTAINER
from eventstore.log.position import Position
from projectors.container import Container, Document
from projectors.generations.generation import partition_key
from projectors.generations.registry import CachedRegistry, Registry
from projectors.throughput.meter import Meter
from projectors.views.catalog import Views
from projectors.views.cursor import Cursor
from projectors.views.streams.checkpoint_store import guard_place
from projectors.views.streams.view import UNLISTED, StreamView
from projectors.views.sums.reader import SumReader, Totals

MAX_WAIT = 10.0
"""Seconds: no query waits longer, whatever it asks for."""
MAX_PAGE = 500
_PARTIAL = "SELECT c.stream FROM c WHERE STARTSWITH(c.pk, @prefix) AND (IS_DEFINED(c.upto) OR IS_DEFINED(c.left_out))"
_POLL_MIN, _POLL_MAX = 0.005, 0.1
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Freshness:
    """How much of a stream an answer reflects.

    `version` is the last version applied (0: nothing yet), `recorded_at` when that was recorded (ISO 8601),
    `generation` the one that answered. `reached` is False when a position was asked for, or was served before, and the
    view had not come that far in time. `parked` describes the event that the view cannot apply: while it is set, the
    answer stays at `version` although later versions exist. `left_out` is how many events an operator left out: while
    it is not 0, what followed from them is missing or wrong.
    """

    version: int
    recorded_at: str | None
    generation: int
    reached: bool
    parked: dict[str, Any] | None
    left_out: int


@dataclass(frozen=True, slots=True)
class Item:
    """One item; `data` is None when the view has none for this stream."""

    data: dict[str, Any] | None
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class Items:
    """One page of items, in the order asked for; `next` continues it, None at the end."""

    data: list[dict[str, Any]]
    next: str | None
    freshness: Freshness


class ViewReader:
    """Reads views of streams. Safe between threads; one per process remembers what it served.

    A throttled store is waited for until `stop` is set; without it, which is for answers to people, its 429 is raised.
    """

    def __init__(
        self,
        client: CosmosClient,
        database: str,
        views: Views,
        *,
        meter: Meter | None = None,
        stop: threading.Event | None = None,
        follow_seconds: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._views = views
        container = client.get_database_client(database).get_container_client(CONTAINER.name)
        self._gateway = Container(container, meter=meter or Meter(), stop=stop)
        self._registry = CachedRegistry(Registry(self._gateway), seconds=follow_seconds, clock=clock)
        self._sums = SumReader(self._gateway, self._registry, clock=clock, patience=MAX_WAIT)
        self._clock = clock
        self._served: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = threading.Lock()

    def check(self) -> None:
        """Whether the container of the views answers: one point read (1 RU). Raises what the store raises."""
        self._gateway.read("~ready", "~ready")

    def get(self, view: str, stream: str, *, after: Position | None = None, wait: float = 0.0) -> Item:
        """What the view keeps for a stream: one point read (1 RU).

        `after` with `wait` seconds (at most MAX_WAIT) waits until the view has that position; a position of another
        stream is not waited for. Raises UnknownView.
        """
        document, freshness = self._fresh(self._views.stream_view(view), stream, after, wait)
        return Item(document.get("state") if document else None, freshness)

    def page(
        self,
        view: str,
        stream: str,
        *,
        limit: int = 50,
        cursor: str | None = None,
        descending: bool = False,
        where: dict[str, tuple[Any, Any]] | None = None,
        after: Position | None = None,
        wait: float = 0.0,
    ) -> Items:
        """A page of the items of a stream, by key: a point read and a single-partition query.

        `where` maps names of item fields to (least, most), both inclusive, None for no bound, e.g.
        {"effective_date": ("1994-01-01", None)}. `cursor` is `next` of the page before and carries the direction.
        Raises UnknownView, BadCursor.
        """
        found = self._views.stream_view(view)
        size = max(1, min(limit, MAX_PAGE))
        position = Cursor.parse(cursor) if cursor else Cursor(None, descending=descending)
        _, freshness = self._fresh(found, stream, after, wait)
        partition = partition_key(found.name, freshness.generation, found.bucket(stream))
        rows = self._rows(found, partition, position, size + 1, where or {})
        newest = max((row["version"] for row in rows), default=0)
        if newest > freshness.version:  # written since the guard was read
            _, freshness = self._fresh(found, stream, Position(stream, newest), wait)
        following = Cursor(rows[size - 1]["id"], descending=position.descending).text() if len(rows) > size else None
        return Items([row["data"] for row in rows[:size]], following, freshness)

    def sums(
        self, view: str, first: str, last: str | None = None, *, after: Position | None = None, wait: float = 0.0
    ) -> Totals:
        """The sums of a view over many streams, for the keys from `first` to `last` (only `first` unless given).

        One single-partition query. `after` with `wait` waits for a position as `get` does. Raises UnknownView.
        """
        found = self._views.sum_view(view)
        return self._sums.read(found, first, first if last is None else last, after=after, wait=min(wait, MAX_WAIT))

    def due(self, view: str, field: str, upto: str, *, limit: int = MAX_PAGE) -> list[str]:
        """Streams with an item whose field is set and up to `upto`, e.g. accounts with expired holds; at most `limit`.

        The view only says where to look: whoever acts on what is due reads the stream itself. Streams that the view
        may know too little of are those of `partial`. A query over all partitions, for timers; answers to people are
        pages. Raises UnknownView.
        """
        found = self._views.stream_view(view)
        prefix = partition_key(found.name, self._registry.serving(found.name), "")
        sql = f"SELECT c.stream FROM c WHERE STARTSWITH(c.pk, @prefix) AND c.data.{_field(found, field)} <= @upto"  # noqa: S608
        streams: dict[str, None] = {}
        for row in self._gateway.scan(sql, prefix=prefix, upto=upto):
            streams[row["stream"]] = None
            if len(streams) == limit:
                break
        return list(streams)

    def partial(self, view: str) -> list[str]:
        """Streams of which the view lacks something: they are parked, or an event of theirs was left out.

        A query over all partitions, for timers. Raises UnknownView.
        """
        found = self._views.stream_view(view)
        prefix = partition_key(found.name, self._registry.serving(found.name), "")
        return [row["stream"] for row in self._gateway.query(_PARTIAL, prefix=prefix)]

    def _fresh(
        self, view: StreamView, stream: str, after: Position | None, wait: float
    ) -> tuple[Document | None, Freshness]:
        """The guard, once it has reached what was asked for and what was served before, or time is up."""
        asked = after.version if after is not None and after.stream == stream else 0
        served = self._served.get((view.name, stream), 0)
        began, delay = self._clock(), _POLL_MIN
        while True:
            generation = self._registry.serving(view.name)
            place = guard_place(view, generation, stream)
            document = self._gateway.read(place.id, place.partition)
            version = document["version"] if document else 0
            patience = MAX_WAIT if version < served else min(wait, MAX_WAIT) if version < asked else 0.0
            left = began + patience - self._clock()
            if left <= 0:
                break
            time.sleep(min(delay, left))
            delay = min(delay * 2, _POLL_MAX)
        self._remember(view.name, stream, version)
        found = document or {}
        reached = version >= max(asked, served)
        left_out = len(found.get("dropped", ()))
        return document, Freshness(version, found.get("at"), generation, reached, _parked(found), left_out)

    def _rows(
        self,
        view: StreamView,
        partition: str,
        position: Cursor,
        limit: int,
        where: dict[str, tuple[Any, Any]],
    ) -> list[Document]:
        conditions, parameters = ["c.id < @unlisted"], {"unlisted": UNLISTED}
        if position.key is not None:
            conditions.append("c.id < @key" if position.descending else "c.id > @key")
            parameters["key"] = position.key
        for field, (least, most) in where.items():
            for name, operator, bound in (("least", ">=", least), ("most", "<=", most)):
                if bound is not None:
                    conditions.append(f"c.data.{_field(view, field)} {operator} @{field}_{name}")
                    parameters[f"{field}_{name}"] = bound
        order = "DESC" if position.descending else "ASC"
        sql = f"SELECT TOP {limit} * FROM c WHERE {' AND '.join(conditions)} ORDER BY c.id {order}"  # noqa: S608 - names checked above
        return self._gateway.query(sql, partition, **parameters)

    def _remember(self, view: str, stream: str, version: int) -> None:
        key = (view, stream)
        with self._lock:
            self._served[key] = max(version, self._served.pop(key, 0))
            if len(self._served) > _REMEMBERED:
                self._served.popitem(last=False)


def _field(view: StreamView, name: str) -> str:
    """The name, once it is known to be one (it becomes part of a query) that no query must scan for."""
    if not name.isidentifier():
        raise ValueError(f"{name!r} is no field of an item")
    if f"data.{name}" not in view.indexed:
        raise ValueError(f'{name!r} is not indexed: add "data.{name}" to `indexed` of the view {view.name}')
    return name


def _parked(document: Document) -> dict[str, Any] | None:
    if document.get("upto") is None:
        return None
    return {**document["error"], "upto": document["upto"], "attempts": document["attempts"]}
