"""The SDK's race between a query and another thread's call: whatever reads asks again, and shows what it would have."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
from azure.core.paging import PageIterator
from azure.cosmos import CosmosClient

from audit.log import Log
from eventstore.cosmos.containers import EVENTS, LEASES
from projectors.database import Database
from projectors.feed.ranges import FeedRange
from projectors.relay import CosmosCheckpointStore
from tests.projectors.feeding import Ledger

STREAM = "account-alice"


class Readers:
    """Everything of the product that iterates a query or the change feed."""

    def __init__(self, client: CosmosClient, database: str) -> None:
        containers = client.get_database_client(database)
        events = containers.get_container_client(EVENTS.name)
        self.stores = Database.open(client, database)
        self.history = self.stores.history
        self.history._page_size = 2
        self.log = Log(events)
        self.checkpoints = CosmosCheckpointStore(containers.get_container_client(LEASES.name))


READS: dict[str, Callable[[Readers], object]] = {
    "Feed.ranges": lambda of: of.stores.feed.ranges(),
    "Feed.count": lambda of: of.stores.feed.count(),
    "Feed.read": lambda of: of.stores.feed.read(FeedRange("", "FF"), None, of.stores.feed.rid(), limit=2),
    "History.streams": lambda of: sorted(of.history.streams()),
    "History.documents": lambda of: list(of.history.documents(STREAM)),
    "History.outcomes": lambda of: list(of.history.outcomes(STREAM)),
    "History.partition": lambda of: list(of.history.partition(STREAM)),
    "Log.names": lambda of: list(of.log.names()),
    "Log.names_after": lambda of: of.log.names_after("", limit=10),
    "Log.feed": lambda of: [list(pages) for pages in of.log.feed()],
    "Log.outcomes": lambda of: list(of.log.outcomes(STREAM)),
    "Log.documents_about": lambda of: of.log.documents_about("recorded_at"),
    "Log.documents_of_command": lambda of: of.log.documents_of_command(STREAM, "none"),
    "Leases.of": lambda of: of.stores.leases.of("relay"),
    "Leases.consumers": lambda of: of.stores.leases.consumers(),
    "Registry.all": lambda of: of.stores.registry.all(),
    "views, scanned": lambda of: list(of.stores.views.scan("SELECT * FROM c")),
    "CosmosCheckpointStore.list_ownership": lambda of: list(of.checkpoints.list_ownership("n", "h", "g")),
    "CosmosCheckpointStore.list_checkpoints": lambda of: list(of.checkpoints.list_checkpoints("n", "h", "g")),
}


@contextmanager
def racing(page: int) -> Iterator[list[int]]:
    """The page of that number, from 0, and no other, is not to be had for another thread's call."""
    asked: list[int] = []
    following = PageIterator.__next__

    def race(pages: PageIterator[object]) -> Iterator[object]:
        asked.append(len(asked))
        if asked[-1] == page:
            raise RuntimeError("dictionary changed size during iteration")
        return following(pages)

    with mock.patch.object(PageIterator, "__next__", race):
        yield asked


@pytest.mark.parametrize("read", READS)
def test_a_reader_that_meets_another_threads_call_at_any_page_asks_again(
    read: str, client: CosmosClient, database: str, ledger: Ledger
) -> None:
    for name in ("alice", "bob", "carol"):
        ledger.open(name)
        ledger.deposit(name, 5)
    expected = READS[read](Readers(client, database))
    page = 0
    while True:
        readers = Readers(client, database)
        with racing(page) as asked:
            assert READS[read](readers) == expected, f"page {page}"
        if len(asked) <= page:
            break
        page += 1
    assert page, "it reads no page at all: the race was never met"
