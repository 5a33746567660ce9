"""Verification finds whatever is not what the log says, and nothing else."""

from typing import Any

import pytest
from azure.cosmos import CosmosClient

from localazure.cosmos import LocalCosmos
from projectors.database import Database
from projectors.errors import RebuildRunning
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from replay.errors import ReplayError
from replay.generations import drop_generation
from replay.status import status
from replay.verify import verify
from tests.replay.replaying import History


def change(client: CosmosClient, database: str, view: str, field: str, **values: Any) -> str:
    """Falsifies one stored document; the stream or key that it belongs to."""
    container = client.get_database_client(database).get_container_client("views")
    rows = container.query_items(
        "SELECT * FROM c WHERE STARTSWITH(c.pk, @prefix)",
        parameters=[{"name": "@prefix", "value": f"{view}@1:"}],
        enable_cross_partition_query=True,
    )
    row = next(row for row in rows if row.get(field))
    row[field] |= values
    container.replace_item(row["id"], row)
    return str(row.get("key") or row["stream"])


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_what_the_processor_made_is_right(served: Worker, stores: Database, view: str) -> None:
    verified = verify(stores, VIEWS[view], settle=0)
    assert verified.right
    assert verified.log == verified.stored


def test_sums_are_right_after_splits_wherever_the_parts_are(
    served: Worker, stores: Database, history: History, cosmos: LocalCosmos, database: str
) -> None:
    for _ in range(2):
        cosmos.split(database, "events")
        history.write(20)
        assert verify(stores, VIEWS["ledger-totals"], settle=0).right
        served.run_until_idle(30)
        assert verify(stores, VIEWS["ledger-totals"], settle=0).right


@pytest.mark.parametrize(
    ("view", "field", "value"),
    [
        ("account-summary", "state", {"balance": 1}),
        ("statement", "data", {"balance": 1}),
        ("ledger-totals", "sums", {"deposits": 1}),
    ],
)
def test_a_falsified_item_is_found_and_named(
    served: Worker, stores: Database, client: CosmosClient, database: str, view: str, field: str, value: dict[str, int]
) -> None:
    name = change(client, database, view, field, **value)
    verified = verify(stores, VIEWS[view], settle=0)
    assert [difference.name for difference in verified.different] == [name]
    assert verified.log != verified.stored


def test_a_missing_item_and_a_missing_stream_are_found(
    served: Worker, stores: Database, client: CosmosClient, database: str
) -> None:
    container = client.get_database_client(database).get_container_client("views")
    container.delete_item("0000000002", "statement@1:acc1")
    container.delete_item("~acc2", stores_partition(stores, "acc2"))
    assert [found.name for found in verify(stores, VIEWS["statement"], settle=0).different] == ["account-acc1"]
    (missing,) = verify(stores, VIEWS["account-summary"], settle=0).different
    assert (missing.name, missing.version) == ("account-acc2", 0)
    assert "still not applied" in missing.reason


def stores_partition(stores: Database, account: str) -> str:
    (row,) = stores.views.query(
        "SELECT c.pk FROM c WHERE c.id = @id AND STARTSWITH(c.pk, 'account-summary')", id=f"~{account}"
    )
    return str(row["pk"])


def test_lag_is_no_difference_once_it_is_made_up_for(served: Worker, stores: Database, history: History) -> None:
    history.write(10)
    behind = verify(stores, VIEWS["account-summary"], settle=0)
    assert behind.different
    assert all("still not applied" in difference.reason for difference in behind.different)
    served.run_until_idle(30)
    assert verify(stores, VIEWS["account-summary"], settle=0).right


def test_status_tells_generations_lag_and_what_is_parked(served: Worker, stores: Database, history: History) -> None:
    stores.registry.build("statement", by="olga", at="2026-11-23T12:00:00+00:00")
    history.write(1)
    found = {(row.view, row.generation): row for row in status(stores, VIEWS).views}
    assert found["statement", 2].state == "building"
    assert found["statement", 2].by == "olga"
    assert found["statement", 1].lag.transactions == 1
    assert found["statement", 1].parked == 0
    stores.leases.establish("relay", stores.feed.ranges(), stores.feed.rid())
    facts = status(stores, VIEWS).facts()
    assert [row["consumer"] for row in facts["consumers"]] == ["relay"]
    assert {row["view"] for row in facts["views"]} == set(VIEWS)


def test_a_rebuild_that_somebody_runs_is_not_abandoned(served: Worker, stores: Database) -> None:
    stores.registry.build("statement", by="olga", at="2026-11-23T12:00:00+00:00")
    stores.leases.establish("statement@2", stores.feed.ranges(), stores.feed.rid())
    (lease,) = stores.leases.of("statement@2")
    taken = stores.leases.take(lease, "olga")
    with pytest.raises(RebuildRunning, match="by olga"):
        drop_generation(stores, "statement", 2)
    stores.leases.release(taken)
    assert drop_generation(stores, "statement", 2) == 0
    assert stores.registry.of("statement").all == [1]


def test_a_dropped_generation_leaves_nothing_behind(
    served: Worker, stores: Database, client: CosmosClient, database: str
) -> None:
    stores.registry.build("statement", by="olga", at="2026-11-23T12:00:00+00:00")
    stores.registry.switch("statement", 2, at="2026-11-23T12:00:00+00:00")
    with pytest.raises(ReplayError, match="serves"):
        drop_generation(stores, "statement", 2)
    assert drop_generation(stores, "statement", 1) > 0
    assert stores.views.query("SELECT * FROM c WHERE STARTSWITH(c.pk, 'statement@1:')") == []
    assert stores.leases.of("statement@1") == []
    assert stores.registry.of("statement").all == [2]
