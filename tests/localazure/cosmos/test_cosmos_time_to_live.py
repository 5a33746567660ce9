"""Time to live: items are gone when their time is up, for every kind of request."""

from typing import Any

import pytest
from azure.cosmos import DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError

from localazure.cosmos.requests import expiry, writes
from localazure.cosmos.storage import resource


class Clock:
    """The service's clock in a test's hand."""

    def __init__(self) -> None:
        self.seconds = 1_000_000

    def __call__(self) -> int:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (resource, writes, expiry):
        monkeypatch.setattr(module, "now", clock)
    return clock


def test_an_item_expires_by_the_container_s_default_or_by_its_own(db: DatabaseProxy, clock: Clock) -> None:
    container = db.create_container("t", PartitionKey(path="/pk"), default_ttl=10)
    container.create_item({"id": "default", "pk": "p"})
    container.create_item({"id": "own", "pk": "p", "ttl": 20})
    container.create_item({"id": "never", "pk": "p", "ttl": -1})
    clock.seconds += 9
    assert len(list(container.read_all_items())) == 3
    clock.seconds += 1
    assert [item["id"] for item in container.read_all_items()] == ["own", "never"]
    with pytest.raises(CosmosResourceNotFoundError):
        container.read_item("default", "p")
    container.create_item({"id": "default", "pk": "p"})
    clock.seconds += 10_000
    assert [item["id"] for item in container.query_items("SELECT * FROM c", partition_key="p")] == ["never"]


def test_a_write_starts_the_time_anew(db: DatabaseProxy, clock: Clock) -> None:
    container = db.create_container("t", PartitionKey(path="/pk"), default_ttl=10)
    container.create_item({"id": "1", "pk": "p"})
    clock.seconds += 8
    container.upsert_item({"id": "1", "pk": "p"})
    clock.seconds += 8
    assert container.read_item("1", "p")["id"] == "1"


def test_without_a_default_an_item_s_own_time_means_nothing_until_there_is_one(db: DatabaseProxy, clock: Clock) -> None:
    container = db.create_container("t", PartitionKey(path="/pk"))
    container.create_item({"id": "1", "pk": "p", "ttl": 5})
    clock.seconds += 100
    assert container.read_item("1", "p")["ttl"] == 5
    db.replace_container("t", PartitionKey(path="/pk"), default_ttl=-1)
    assert list(container.read_all_items()) == []


def test_an_expired_item_frees_its_unique_keys(db: DatabaseProxy, clock: Clock) -> None:
    unique: dict[str, Any] = {"uniqueKeys": [{"paths": ["/k"]}]}
    container = db.create_container("t", PartitionKey(path="/pk"), default_ttl=10, unique_key_policy=unique)
    container.create_item({"id": "1", "pk": "p", "k": 1})
    clock.seconds += 10
    container.create_item({"id": "2", "pk": "p", "k": 1})


@pytest.mark.parametrize("ttl", [0, -2, "10", 1.5, None])
def test_a_time_that_azure_would_not_take_is_refused(db: DatabaseProxy, ttl: Any) -> None:
    container = db.create_container("t", PartitionKey(path="/pk"), default_ttl=10)
    with pytest.raises(CosmosHttpResponseError) as refusal:
        container.create_item({"id": "1", "pk": "p", "ttl": ttl})
    assert refusal.value.status_code == 400


def test_the_feed_of_all_versions_tells_expiry_from_deletion(db: DatabaseProxy, clock: Clock) -> None:
    container = db.create_container("t", PartitionKey(path="/pk"), default_ttl=10)
    mode: Any = "AllVersionsAndDeletes"
    captured: list[dict[str, str]] = []
    list(container.query_items_change_feed(mode=mode, response_hook=lambda h, _: captured.append(h)))
    container.create_item({"id": "1", "pk": "p"})
    clock.seconds += 10
    changes = list(container.query_items_change_feed(mode=mode, continuation=captured[-1]["etag"]))
    assert [change["metadata"]["operationType"] for change in changes] == ["create", "delete"]
    assert changes[1]["metadata"]["timeToLiveExpired"] is True
