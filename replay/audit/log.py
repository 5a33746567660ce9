"""The events container as a whole: which streams it holds, and each of them verified, in the order of their names."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from azure.cosmos import ContainerProxy

from eventstore.documents import Document
from eventstore.history import History
from eventstore.queries import run_query, unraced
from eventstore.verification import Verification

_NAMES_PAGE: Final = 10_000
_OUTCOMES_PAGE: Final = 500
_NAMES: Final = "SELECT VALUE c.streamId FROM c"
_OUTCOMES: Final = f"SELECT TOP {_OUTCOMES_PAGE} * FROM c WHERE c.id > @after AND c.id < '.' ORDER BY c.id"  # noqa: S608 - a number
_CONTAINING: Final = "SELECT * FROM c WHERE CONTAINS(c.meta, @text)"
_OF_COMMAND: Final = "SELECT * FROM c WHERE c.commandId = @id OR STARTSWITH(c.commandId, @more)"


class Log:
    """The whole log. Safe between threads: whatever the SDK trips over is asked again (`eventstore.queries`)."""

    def __init__(self, events: ContainerProxy) -> None:
        self._events = events
        self.history = History(events)

    def names(self) -> list[str]:
        """Every stream that has documents, in the order of names as UTF-8 bytes.

        Reads the name of every event, and keeps each stream's once: some hundred bytes per stream. Other than
        `History.streams` it also finds a stream whose first event is gone or was altered.
        """
        return sorted(unraced(lambda: set(map(str, self._all_names()))))

    def verified(
        self, streams: Iterable[tuple[str, tuple[int, str] | None]], *, jobs: int
    ) -> Generator[Verification, None, None]:
        """Each stream verified, against the head given with it, in the given order; `jobs` at a time."""
        waiting: deque[Future[Verification]] = deque()
        with ThreadPoolExecutor(jobs, "verify") as pool:
            try:
                for stream, head in streams:
                    waiting.append(pool.submit(self.history.verify, stream, head=head))
                    if len(waiting) >= 2 * jobs:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

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

    def _all_names(self) -> Iterable[Any]:
        return self._events.query_items(_NAMES, enable_cross_partition_query=True, max_item_count=_NAMES_PAGE)

    def _outcomes_after(self, stream: str, after: str) -> Iterable[dict[str, Any]]:
        parameters: list[dict[str, object]] = [{"name": "@after", "value": after}]
        return self._events.query_items(_OUTCOMES, parameters=parameters, partition_key=stream)
