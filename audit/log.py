"""The events container as a whole: its streams, its documents, and what some of them have in common."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any, Final

from azure.core.paging import ItemPaged
from azure.cosmos import ContainerProxy

from eventstore.cosmos.queries import run_query
from eventstore.log.documents import Document
from eventstore.log.history import History
from projectors.container import Container
from projectors.feed.change_feed import Feed, Split
from projectors.feed.ranges import FeedRange
from projectors.throughput.meter import Meter

_FEED_PAGE: Final = 1_000
_OUTCOMES_PAGE: Final = 500
_NAMES: Final = "SELECT VALUE c.streamId FROM c"
_NEXT_NAMES: Final = (
    "SELECT DISTINCT TOP {limit:d} VALUE c.streamId FROM c WHERE c.streamId > @after ORDER BY c.streamId"
)
_OUTCOMES: Final = f"SELECT TOP {_OUTCOMES_PAGE} * FROM c WHERE c.id > @after AND c.id < '.' ORDER BY c.id"  # noqa: S608 - a number
_CONTAINING: Final = "SELECT * FROM c WHERE CONTAINS(c.meta, @text)"
_OF_COMMAND: Final = "SELECT * FROM c WHERE c.commandId = @id OR STARTSWITH(c.commandId, @more)"


class Log:
    """The whole log. Safe between threads: whatever the SDK trips over is asked again (`eventstore.cosmos.queries`)."""

    def __init__(self, events: ContainerProxy) -> None:
        self._events = events
        self._gateway = Container(events, meter=Meter(), stop=threading.Event())
        self._feed = Feed(events, meter=Meter(), stop=threading.Event())
        self.history = History(events)

    def names(self) -> Iterator[str]:
        """Every stream that has documents, in the order of names as UTF-8 bytes.

        Reads the name of every event; they are sorted on disk, memory does not grow with them. Other than
        `History.streams` it also finds a stream whose first event is gone or was altered.
        """
        with closing(sqlite3.connect("")) as found:
            found.executescript("PRAGMA journal_mode = OFF; CREATE TABLE names (name TEXT PRIMARY KEY) WITHOUT ROWID")
            found.executemany(
                "INSERT OR IGNORE INTO names VALUES (?)", ((str(name),) for name in self._gateway.scan(_NAMES))
            )
            yield from (name for (name,) in found.execute("SELECT name FROM names ORDER BY name"))

    def names_after(self, stream: str, *, limit: int) -> list[str]:
        """The next names behind `stream`, at most `limit`: one query, which the index answers."""
        parameters: list[dict[str, object]] = [{"name": "@after", "value": stream}]
        text = _NEXT_NAMES.format(limit=limit)
        found: list[Any] = self._gateway.send(
            lambda: run_query(
                lambda: self._events.query_items(text, parameters=parameters, enable_cross_partition_query=True)
            )
        )
        return list(map(str, found))

    def feed(self) -> list[Iterator[list[Document]]]:
        """All documents in pages, as they are stored: for each physical range its change feed, as far as it goes now.

        Each stream lies in one range, and its documents come in the order in which they were written last.
        """
        rid = self._feed.rid()
        return [self._range(each, rid) for each in self._feed.ranges()]

    def _range(self, feed_range: FeedRange, rid: str) -> Iterator[list[Document]]:
        rest: list[tuple[FeedRange, int | None]] = [(feed_range, None)]
        while rest:
            place, position = rest.pop()
            end: int | None = None
            while True:
                page = self._feed.documents(place, position, rid, limit=_FEED_PAGE)
                if isinstance(page, Split):
                    rest += [(part, position) for part in page.ranges]
                    break
                if page.documents:
                    yield sorted(page.documents, key=_in_order)
                end, position = end or page.head, page.lsn
                if not page.documents or (end is not None and position is not None and position >= end):
                    break

    def partition(self, stream: str, *, upto: int | None = None) -> Iterator[Document]:
        """Everything of a stream in the order of ids: outcomes, then events up to a version."""
        yield from self.outcomes(stream)
        yield from self.history.documents(stream, upto=upto)

    def outcomes(self, stream: str) -> Iterator[Document]:
        """The commands on a stream that left no event, as they are stored, in the order of ids."""
        after = "-"
        while page := run_query(partial(self._outcomes_after, stream, after)):
            yield from page
            after = page[-1]["id"]

    def documents_about(self, text: str, *, stream: str | None = None) -> list[Document]:
        """Every event and outcome whose meta holds `text`, of one stream or of all.

        The server reads the whole partition for it, or the whole container.
        """
        place: dict[str, Any] = {"enable_cross_partition_query": True} if stream is None else {"partition_key": stream}
        parameters: list[dict[str, object]] = [{"name": "@text", "value": text}]
        return run_query(lambda: self._events.query_items(_CONTAINING, parameters=parameters, **place))

    def documents_of_command(self, stream: str, command_id: str) -> list[Document]:
        """What a command has left on a stream, events or an outcome: one query that the index answers."""
        parameters: list[dict[str, object]] = [
            {"name": "@id", "value": command_id},
            {"name": "@more", "value": f"{command_id}/"},
        ]
        return run_query(lambda: self._events.query_items(_OF_COMMAND, parameters=parameters, partition_key=stream))

    def _outcomes_after(self, stream: str, after: str) -> ItemPaged[dict[str, Any]]:
        parameters: list[dict[str, object]] = [{"name": "@after", "value": after}]
        return self._events.query_items(_OUTCOMES, parameters=parameters, partition_key=stream)


def _in_order(document: Document) -> tuple[int, int]:
    """Whole transactions are in order, the events within one need not be."""
    version = document.get("version")
    return document.get("_lsn", 0), version if isinstance(version, int) else -1
