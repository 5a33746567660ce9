"""Mending single items of the serving generation, beside whatever writes to it."""

from typing import Any

import pytest
from azure.cosmos import CosmosClient

from projectors.database import Database
from projectors.errors import PoisonEvent
from projectors.ledger import VIEWS
from projectors.ledger.views.statement import Statement
from projectors.processor.worker import Worker
from replay.errors import NotMendable
from replay.repair import repair
from replay.verify import verify
from tests.replay.replaying import History

STREAM = "account-acc1"


def rows(stores: Database, view: str) -> list[dict[str, Any]]:
    return [
        row
        for row in stores.views.query("SELECT * FROM c WHERE c.stream = @stream", stream=STREAM)
        if row["pk"].startswith(f"{view}@1:")
    ]


@pytest.mark.parametrize("view", ["account-summary", "statement", "active-holds"])
def test_what_is_right_is_left_as_it_is(served: Worker, stores: Database, view: str) -> None:
    before = rows(stores, view)
    assert repair(stores, VIEWS[view], STREAM).written == 0
    assert rows(stores, view) == before


def test_falsified_missing_and_surplus_items_are_mended_and_nothing_else_is_written(
    served: Worker, stores: Database, client: CosmosClient, database: str
) -> None:
    container = client.get_database_client(database).get_container_client("views")
    first, second = [row for row in rows(stores, "statement") if row["id"] < "~"][:2]
    container.replace_item(first["id"], first | {"data": first["data"] | {"balance": 1}})
    container.delete_item(second["id"], second["pk"])
    container.create_item(first | {"id": "0000009999"})
    assert repair(stores, VIEWS["statement"], STREAM).written == 3
    assert verify(stores, VIEWS["statement"], settle=0).right


def test_a_falsified_and_a_missing_guard_are_mended(
    served: Worker, stores: Database, client: CosmosClient, database: str
) -> None:
    container = client.get_database_client(database).get_container_client("views")
    (guard,) = rows(stores, "account-summary")
    container.replace_item(guard["id"], guard | {"state": {"balance": 1}})
    assert repair(stores, VIEWS["account-summary"], STREAM).written == 1
    container.delete_item("~acc1", "statement@1:acc1")
    assert repair(stores, VIEWS["statement"], STREAM).written == 1
    for view in ("account-summary", "statement"):
        assert verify(stores, VIEWS[view], settle=0).right


def test_a_live_worker_goes_on_after_the_mend_and_brings_nothing_twice(
    served: Worker, stores: Database, history: History, client: CosmosClient, database: str
) -> None:
    history.write(30)
    mended = repair(stores, VIEWS["statement"], STREAM)
    assert mended.written > 0
    assert mended.version == max(event.version for event in stores.history.stream(STREAM))
    history.write(30)
    served.run_until_idle(30)
    assert verify(stores, VIEWS["statement"], settle=0).right


def test_a_worker_that_writes_between_reading_and_mending_is_not_overwritten(
    served: Worker, stores: Database, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.write(30)
    batch, others = stores.views.batch, iter([lambda: served.run_until_idle(30)])

    def with_another_before(*arguments: Any) -> list[str]:
        for work in others:
            work()
        return batch(*arguments)

    monkeypatch.setattr(stores.views, "batch", with_another_before)
    assert repair(stores, VIEWS["statement"], STREAM).written == 0
    assert next(others, None) is None
    assert verify(stores, VIEWS["statement"], settle=0).right


def test_more_items_than_a_batch_holds_are_mended(
    served: Worker, stores: Database, history: History, client: CosmosClient, database: str
) -> None:
    for _ in range(120):
        history.accounts[1].deposit(1, at=history.accounts[1].modified_on)
        history.save(history.accounts[1])
    served.run_until_idle(30)
    container = client.get_database_client(database).get_container_client("views")
    for row in rows(stores, "statement"):
        container.delete_item(row["id"], row["pk"])
    assert repair(stores, VIEWS["statement"], STREAM).written > 120
    assert verify(stores, VIEWS["statement"], settle=0).right


def test_a_mend_stopped_half_way_holds_no_live_worker_up_and_is_completed_by_the_next(
    served: Worker, stores: Database, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(120):
        history.accounts[1].deposit(1, at=history.accounts[1].modified_on)
        history.save(history.accounts[1])
    batch, left = stores.views.batch, [1]

    def once(*arguments: Any) -> list[str]:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return batch(*arguments)

    monkeypatch.setattr(stores.views, "batch", once)
    with pytest.raises(KeyboardInterrupt):
        repair(stores, VIEWS["statement"], STREAM)
    monkeypatch.undo()
    history.write(20)
    assert served.run_until_idle(30).failures == {}
    assert repair(stores, VIEWS["statement"], STREAM).written > 0
    assert verify(stores, VIEWS["statement"], settle=0).right


def test_a_parked_stream_is_mended_up_to_where_it_waits_and_waits_on(
    served: Worker, stores: Database, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Statement, "apply", lambda *_: (_ for _ in ()).throw(ValueError("no more")))
        history.write(40)
        served.run_until_idle(30)
        (guard,) = [row for row in rows(stores, "statement") if row["id"].startswith("~")]
        with pytest.raises(PoisonEvent, match="no more"):
            repair(stores, VIEWS["statement"], STREAM)
    stores.views.replace(guard | {"state": {"balance": 1}}, guard["_etag"])
    mended = repair(stores, VIEWS["statement"], STREAM)
    assert (mended.parked, mended.version, mended.written) == (True, guard["version"], 1)
    (after,) = [row for row in rows(stores, "statement") if row["id"].startswith("~")]
    assert {**after, "_etag": 0, "_ts": 0} == {**guard, "_etag": 0, "_ts": 0}


@pytest.mark.parametrize(
    ("view", "stream", "says"),
    [
        ("ledger-totals", STREAM, "rebuild it whole"),
        ("statement", "transfer-t1", "it reads account-…"),
        ("statement", "account-nobody", "neither the log nor statement knows account-nobody"),
    ],
)
def test_what_cannot_be_mended_is_told(served: Worker, stores: Database, view: str, stream: str, says: str) -> None:
    with pytest.raises(NotMendable, match=says):
        repair(stores, VIEWS[view], stream)
