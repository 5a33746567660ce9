"""A disk that is full at COMMIT: nothing is acknowledged, and memory says what the file says.

The limit on a process's file size makes SQLite's write of the log fail, as a full disk does.
"""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError

from localazure.cosmos import LocalCosmos
from localazure.cosmos.storage.store import FILE_NAME

BYTES_PER_PAGE = 4096 + 24
"""What one changed page adds to SQLite's write-ahead log."""
MOST_PAGES = 50

UNIQUE: dict[str, Any] = {"unique_key_policy": {"uniqueKeys": [{"paths": ["/k"]}]}}
"""Makes every write of an item several statements; without, most are one, which SQLite commits of itself."""

Operation = Callable[[CosmosClient, ContainerProxy], object]

OPERATIONS: dict[str, Operation] = {
    "create": lambda _, c: c.create_item({"id": "new", "pk": "p", "k": 9}),
    "upsert": lambda _, c: c.upsert_item({"id": "new", "pk": "p", "k": 9, "ttl": 100}),
    "replace": lambda _, c: c.replace_item("1", {"id": "1", "pk": "p", "k": 9}),
    "patch": lambda _, c: c.patch_item("1", "p", [{"op": "set", "path": "/k", "value": 9}]),
    "delete": lambda _, c: c.delete_item("1", "p"),
    "batch of creates": lambda _, c: c.execute_item_batch(
        [("create", ({"id": f"b{n}", "pk": "p", "k": f"b{n}"},)) for n in range(3)], "p"
    ),
    "batch": lambda _, c: c.execute_item_batch(
        [("create", ({"id": "b", "pk": "p", "k": "b"},)), ("delete", ("1",))], "p"
    ),
    "delete of a partition": lambda _, c: c.delete_all_items_by_partition_key("p"),
    "new database": lambda client, _: client.create_database("other", offer_throughput=500),
    "new container": lambda client, _: client.get_database_client("db").create_container("d", PartitionKey("/pk")),
    "replaced container": lambda client, c: client.get_database_client("db").replace_container(
        c, PartitionKey("/pk"), default_ttl=1000
    ),
    "dropped container": lambda client, c: client.get_database_client("db").delete_container(c),
    "dropped database": lambda client, _: client.delete_database("db"),
    "throughput that splits": lambda _, c: c.replace_throughput(15_000),
}


def size_of_log(data: Path) -> int:
    return (data / f"{FILE_NAME}-wal").stat().st_size


@contextmanager
def full_disk(data: Path, size: int | None = None) -> Iterator[None]:
    """No file of this process may grow beyond this size, by default the log's present one."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_of_log(data) if size is None else size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def opened(cosmos: LocalCosmos) -> tuple[CosmosClient, ContainerProxy]:
    client = cosmos.client()
    return client, client.get_database_client("db").get_container_client("c")


def filled(cosmos: LocalCosmos, **settings: Any) -> tuple[CosmosClient, ContainerProxy]:
    cosmos.client().create_database("db").create_container("c", PartitionKey("/pk"), default_ttl=-1, **settings)
    client, container = opened(cosmos)
    for number in range(3):
        container.create_item({"id": str(number), "pk": "p", "k": number})
    return client, container


def visible(cosmos: LocalCosmos) -> list[Any]:
    """All that a client can see of the account: resources, throughput, ranges with their LSN, the change feed."""
    client = cosmos.client()
    seen: list[Any] = []
    for database in client.list_databases():
        proxy = client.get_database_client(database["id"])
        seen.append(database)
        for container in proxy.list_containers():
            inside = proxy.get_container_client(container["id"])
            seen += [
                container,
                inside.get_throughput().offer_throughput,
                list(inside.client_connection._ReadPartitionKeyRanges(inside.container_link)),
                sorted(inside.query_items_change_feed(start_time="Beginning"), key=lambda item: str(item["id"])),
            ]
    return seen


@pytest.mark.parametrize("settings", [UNIQUE, {}], ids=["unique keys", "plain"])
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_what_could_not_be_committed_is_refused_and_never_seen(
    operation: Operation, settings: dict[str, Any], tmp_path: Path
) -> None:
    with LocalCosmos(tmp_path) as cosmos:
        client, container = filled(cosmos, **settings)
        before = visible(cosmos)
        with full_disk(tmp_path), pytest.raises(CosmosHttpResponseError) as refusal:
            operation(client, container)
        assert refusal.value.status_code == 500
        assert "The transaction was taken back" in refusal.value.message
        assert visible(cosmos) == before
    with LocalCosmos(tmp_path) as cosmos:
        assert visible(cosmos) == before
        operation(*opened(cosmos))
        after = visible(cosmos)
        assert after != before
    with LocalCosmos(tmp_path) as cosmos:
        assert visible(cosmos) == after


@pytest.mark.parametrize("settings", [UNIQUE, {}], ids=["unique keys", "plain"])
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_the_same_request_succeeds_when_there_is_room_again(
    operation: Operation, settings: dict[str, Any], tmp_path: Path
) -> None:
    with LocalCosmos(tmp_path) as cosmos:
        client, container = filled(cosmos, **settings)
        with full_disk(tmp_path), pytest.raises(CosmosHttpResponseError):
            operation(client, container)
        operation(client, container)
        after = visible(cosmos)
    with LocalCosmos(tmp_path) as cosmos:
        assert visible(cosmos) == after


@pytest.mark.parametrize("name", ["new container", "new database", "dropped container", "dropped database"])
def test_a_request_of_several_steps_is_done_whole_or_not_at_all(name: str, tmp_path: Path) -> None:
    with LocalCosmos(tmp_path) as cosmos:
        client, container = filled(cosmos)
        before, size = visible(cosmos), size_of_log(tmp_path)
        refused = 0
        for pages in range(MOST_PAGES):
            try:
                with full_disk(tmp_path, size + pages * BYTES_PER_PAGE):
                    OPERATIONS[name](client, container)
            except CosmosHttpResponseError:
                assert visible(cosmos) == before
                refused += 1
            else:
                break
        assert 1 < refused < MOST_PAGES
        assert visible(cosmos) != before


def test_no_item_number_is_given_twice(tmp_path: Path) -> None:
    with LocalCosmos(tmp_path) as cosmos:
        cosmos.client().create_database("db").create_container("c", PartitionKey("/pk"))
        _, container = opened(cosmos)
        with full_disk(tmp_path), pytest.raises(CosmosHttpResponseError):
            container.create_item({"id": "refused", "pk": "p"})
        acknowledged = [container.create_item({"id": f"a{n}", "pk": "p"}) for n in range(3)]
    with LocalCosmos(tmp_path) as cosmos:
        _, container = opened(cosmos)
        acknowledged += [container.create_item({"id": f"b{n}", "pk": "p"}) for n in range(3)]
        feed = list(container.query_items_change_feed(start_time="Beginning"))
    assert len({item["_rid"] for item in acknowledged}) == len(acknowledged)
    assert [item["id"] for item in feed] == [item["id"] for item in acknowledged]


@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_position_in_the_change_feed_is_never_ahead_of_the_file(is_restarted: bool, tmp_path: Path) -> None:
    positions: list[dict[str, str]] = []
    cosmos = LocalCosmos(tmp_path)
    _, container = filled(cosmos)
    with full_disk(tmp_path), pytest.raises(CosmosHttpResponseError):
        container.delete_item("1", "p")
    list(container.query_items_change_feed(start_time="Beginning", response_hook=lambda h, _: positions.append(h)))
    if is_restarted:
        cosmos.close()
        cosmos = LocalCosmos(tmp_path)
        _, container = opened(cosmos)
    container.create_item({"id": "later", "pk": "p", "k": "later"})
    changes = list(container.query_items_change_feed(continuation=positions[-1]["etag"]))
    cosmos.close()
    assert [item["id"] for item in changes] == ["later"]


def test_an_expired_item_stays_gone_when_it_could_not_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalCosmos(tmp_path) as cosmos:
        _, container = filled(cosmos)
        container.create_item({"id": "short", "pk": "p", "k": "short", "ttl": 10})
        clock = container.read_item("short", "p")["_ts"] + 10
        monkeypatch.setattr("localazure.cosmos.requests.expiry.now", lambda: clock)
        with full_disk(tmp_path), pytest.raises(CosmosHttpResponseError) as refusal:
            container.read_item("short", "p")
        assert refusal.value.status_code == 500
        with pytest.raises(CosmosResourceNotFoundError):
            container.read_item("short", "p")


def test_an_item_expires_after_its_container_could_not_be_told_to_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalCosmos(tmp_path) as cosmos:
        database = cosmos.client().create_database("db")
        container = database.create_container("c", PartitionKey("/pk"), default_ttl=10)
        expires = container.create_item({"id": "1", "pk": "p"})["_ts"] + 10
        with full_disk(tmp_path), pytest.raises(CosmosHttpResponseError):
            database.replace_container(container, PartitionKey("/pk"), default_ttl=-1)
        monkeypatch.setattr("localazure.cosmos.requests.expiry.now", lambda: expires)
        with pytest.raises(CosmosResourceNotFoundError):
            container.read_item("1", "p")


def test_a_split_on_demand_that_could_not_be_committed_leaves_the_partitions_as_they_were(tmp_path: Path) -> None:
    with LocalCosmos(tmp_path) as cosmos:
        filled(cosmos)
        before = visible(cosmos)
        with full_disk(tmp_path), pytest.raises(sqlite3.OperationalError):
            cosmos.split("db", "c")
        assert visible(cosmos) == before
        assert cosmos.split("db", "c") == ["1", "2"]
