"""Items that later events take: kept beside the guard, not in it, and found again under it."""

from typing import Any

import orjson
import pytest
from azure.cosmos import CosmosClient

from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.container import Container, Document
from projectors.database import Database
from projectors.feed.change_feed import Page
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.reader import ViewReader
from projectors.views.streams.projector import StreamProjector
from projectors.views.streams.view import StreamView
from tests.projectors.feeding import Ledger, rows

OF_ACCOUNTS = [view for view in VIEWS.values() if isinstance(view, StreamView) and view.category == "account"]


def new_worker(client: CosmosClient, database: str) -> Worker:
    """A process that remembers nothing."""
    views = [VIEWS["statement"], VIEWS["active-holds"]]
    return Worker(client, database, views=views, settings=WorkerSettings(parallel=0))


def place(ledger: Ledger, *references: str | None) -> None:
    ledger.act(
        "alice",
        *[lambda account, r=reference: account.place_hold(1, reference=r, at=ledger.now()) for reference in references],
    )


def end(ledger: Ledger, *holds: int) -> None:
    ledger.act("alice", *[lambda account, h=hold: account.capture_hold(h, at=ledger.now()) for hold in holds])


def references(client: CosmosClient, database: str) -> list[str | None]:
    entries = ViewReader(client, database, VIEWS).page("statement", "account-alice").data
    return [entry["reference"] for entry in entries if entry["kind"] == "capture"]


def open_holds(client: CosmosClient, database: str) -> list[int]:
    return [hold["hold"] for hold in ViewReader(client, database, VIEWS).page("active-holds", "account-alice").data]


class Asked:
    """The queries that are sent to the views."""

    def __init__(self, cosmos: LocalCosmos) -> None:
        self.count = 0
        cosmos.faults.on_request(self._see)

    def _see(self, info: RequestInfo, phase: str) -> None:
        text = orjson.loads(info.body)["query"] if info.operation == "query" else ""
        self.count += phase == "before" and info.container == "views" and "c.data.hold IN" in text


@pytest.fixture
def alice(ledger: Ledger) -> None:
    ledger.open("alice")
    ledger.deposit("alice", 1_000)


def test_a_guard_is_as_large_with_many_open_holds_as_with_one(
    client: CosmosClient, database: str, ledger: Ledger, worker: Worker, alice: None
) -> None:
    sizes: list[dict[str, int]] = []
    for count in (1, 40, 40):
        place(ledger, *["a reference of some length"] * count)
        assert worker.run_until_idle(20).idle
        sizes.append(
            {
                view.name: len(orjson.dumps(row["state"]))
                for view in OF_ACCOUNTS
                for row in rows(client, database, view.name)
                if row["id"] == "~alice"
            }
        )
    assert all(sizes[-1][name] <= sizes[0][name] + 8 for name in sizes[0]), f"more than a few digits: {sizes}"


def test_a_hold_that_ends_soon_costs_no_request_more(
    client: CosmosClient, database: str, ledger: Ledger, cosmos: LocalCosmos, alice: None
) -> None:
    stores, asked = Database.open(client, database), Asked(cosmos)
    handlers = [
        StreamProjector(view, 1, views=stores.views, history=stores.history, mapper=stores.mapper)
        for view in OF_ACCOUNTS
    ]

    def work(version: int) -> None:
        """As a worker does that holds the range all the time: the newest event is a page."""
        page = list(stores.history.documents("account-alice", after=version - 1))
        for handler in handlers:
            handler.handle(Page(page, version, len(page), full=False, head=None))
            handler.flush()

    work(1)
    for hold, reference in enumerate(("one", None, "three"), 1):
        place(ledger, reference)
        work(2 * hold + 1)
        end(ledger, hold)
        work(2 * hold + 2)
    assert asked.count == 0
    assert references(client, database) == ["one", None, "three"]
    assert open_holds(client, database) == []


def test_holds_of_long_ago_cost_one_request_for_all_that_end_in_a_page(
    client: CosmosClient, database: str, ledger: Ledger, cosmos: LocalCosmos, alice: None
) -> None:
    place(ledger, *[f"number {hold}" for hold in range(1, 41)])
    assert new_worker(client, database).run_until_idle(20).idle
    asked = Asked(cosmos)
    end(ledger, *range(1, 31))
    assert new_worker(client, database).run_until_idle(20).idle
    assert asked.count == 2, "one for each view"
    assert references(client, database) == [f"number {hold}" for hold in range(1, 31)]
    assert open_holds(client, database) == list(range(31, 41))


def test_references_of_open_holds_are_no_entries_of_a_statement(
    client: CosmosClient, database: str, ledger: Ledger, alice: None
) -> None:
    place(ledger, "a room")
    assert new_worker(client, database).run_until_idle(20).idle
    for descending in (False, True):
        page = ViewReader(client, database, VIEWS).page("statement", "account-alice", descending=descending)
        assert [entry["kind"] for entry in page.data] == ["deposit"]


def test_a_replica_that_lags_does_not_make_a_hold_vanish(
    client: CosmosClient, database: str, ledger: Ledger, alice: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows the stream as it was before the hold was placed: the guard beside it tells that it is not the newest."""
    worker = new_worker(client, database)
    assert worker.run_until_idle(20).idle
    before = {name: rows(client, database, name) for name in ("statement", "active-holds")}
    place(ledger, "a room")
    assert worker.run_until_idle(20).idle
    query, lagging = Container.query, ["statement", "active-holds"]

    def old(gateway: Container, sql: str, partition: str | None = None, /, **parameters: Any) -> list[Document]:
        name = str(partition).partition("@")[0]
        if "c.data.hold IN" in sql and name in lagging:
            lagging.remove(name)
            return before[name]
        return query(gateway, sql, partition, **parameters)

    monkeypatch.setattr(Container, "query", old)
    end(ledger, 1)
    assert new_worker(client, database).run_until_idle(20).idle
    assert lagging == []
    assert references(client, database) == ["a room"]
    assert open_holds(client, database) == []


def test_a_worker_asleep_ends_a_hold_that_it_has_not_seen(
    client: CosmosClient, database: str, ledger: Ledger, alice: None
) -> None:
    """Its guard in memory is older than the hold; what another one stored under a newer guard is not mixed with it."""
    asleep = new_worker(client, database)
    assert asleep.run_until_idle(20).idle
    place(ledger, "a room", "a car")
    end(ledger, 1)
    assert new_worker(client, database).run_until_idle(20).idle
    end(ledger, 2)
    assert asleep.run_until_idle(20).idle
    assert references(client, database) == ["a room", "a car"]
    assert open_holds(client, database) == []


def test_guards_that_keep_open_holds_themselves_are_read_too(
    client: CosmosClient, database: str, ledger: Ledger, alice: None
) -> None:
    """As they were stored before: a reference by hold, the key of an item by hold."""
    place(ledger, "a room", "a car")
    assert new_worker(client, database).run_until_idle(20).idle
    container = client.get_database_client(database).get_container_client("views")
    (key, *_) = (row["id"] for row in rows(client, database, "active-holds") if "data" in row)
    for row in rows(client, database, "statement") + rows(client, database, "active-holds"):
        if row["id"] == "~alice":
            held = {"holds": {"1": "a room", "2": "a car"}}
            row["state"] |= held if row["pk"].startswith("statement") else {"1": key, "2": key}
            container.replace_item(row["id"], row)
        elif row["id"].startswith("{"):
            container.delete_item(row["id"], row["pk"])
    end(ledger, 1, 2)
    assert new_worker(client, database).run_until_idle(20).idle
    assert references(client, database) == ["a room", "a car"]
    assert open_holds(client, database) == []
    for view, state in (("statement", {"balance": 998, "asset": "EUR/2", "holds": {}}), ("active-holds", {})):
        assert [row["state"] for row in rows(client, database, view) if row["id"] == "~alice"] == [state]
