"""The published limits: what is at the limit is taken, what is beyond it is refused; one row for each."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from localazure.cosmos import LocalCosmos
from localazure.cosmos.storage import limits


def item(item_id: str = "1", **properties: object) -> dict[str, object]:
    return {"id": item_id, "pk": "p", **properties}


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"deeper": value}
    return value


def of_size(size: int) -> dict[str, object]:
    """An item whose text has so many bytes in the SDK's encoding."""
    return item(text="x" * (size - len('{"id":"1","pk":"p","text":""}')))


def unique(*paths: int) -> dict[str, Any]:
    """A policy of unique keys with so many paths each."""
    return {"uniqueKeys": [{"paths": [f"/k{key}p{path}" for path in range(count)]} for key, count in enumerate(paths)]}


def with_keys(db: DatabaseProxy, name: str, policy: dict[str, Any]) -> None:
    db.create_container(name, PartitionKey(path="/pk"), unique_key_policy=policy)


def patch(container: ContainerProxy, count: int) -> None:
    container.upsert_item(item())
    container.patch_item("1", "p", [{"op": "set", "path": f"/n{n}", "value": n} for n in range(count)])


Use = Callable[[ContainerProxy, DatabaseProxy], object]

ROWS: dict[str, tuple[Use, Use, int]] = {
    "ITEM_BYTES": (
        lambda c, _: c.upsert_item(of_size(limits.ITEM_BYTES)),
        lambda c, _: c.upsert_item(of_size(limits.ITEM_BYTES + 1)),
        413,
    ),
    "ITEM_ID_BYTES": (
        lambda c, _: (c.upsert_item(item("i" * 1023)), c.upsert_item(item("é" * 511 + "i"))),
        lambda c, _: c.upsert_item(item("é" * 512)),
        400,
    ),
    "NAME_CHARACTERS": (
        lambda _, db: db.create_container("é" * 255, PartitionKey(path="/pk")),
        lambda _, db: db.create_container("n" * 256, PartitionKey(path="/pk")),
        400,
    ),
    "NESTING": (
        lambda c, _: c.upsert_item(item(value=nested(128))),
        lambda c, _: c.upsert_item(item(value=nested(129))),
        400,
    ),
    "KEY_BYTES": (
        lambda c, _: c.upsert_item({"id": "1", "pk": "é" * 1024}),
        lambda c, _: c.upsert_item({"id": "1", "pk": "é" * 1024 + "k"}),
        400,
    ),
    "KEY_PATHS": (
        lambda _, db: db.create_container("h3", PartitionKey(path=["/a", "/b", "/c"], kind="MultiHash")),
        lambda _, db: db.create_container("h4", PartitionKey(path=["/a", "/b", "/c", "/d"], kind="MultiHash")),
        400,
    ),
    "BATCH_OPERATIONS": (
        lambda c, _: c.execute_item_batch([("upsert", (item(str(n)),)) for n in range(100)], "p"),
        lambda c, _: c.execute_item_batch([("upsert", (item(str(n)),)) for n in range(101)], "p"),
        400,
    ),
    "PATCH_OPERATIONS": (lambda c, _: patch(c, 10), lambda c, _: patch(c, 11), 400),
    "UNIQUE_KEYS": (
        lambda _, db: with_keys(db, "u10", unique(*[1] * 10)),
        lambda _, db: with_keys(db, "u11", unique(*[1] * 11)),
        400,
    ),
    "UNIQUE_PATHS": (
        lambda _, db: with_keys(db, "p16", unique(8, 8)),
        lambda _, db: with_keys(db, "p17", unique(8, 9)),
        400,
    ),
    "TTL_SECONDS": (
        lambda c, _: c.upsert_item(item(ttl=2**31 - 1)),
        lambda c, _: c.upsert_item(item(ttl=2**31)),
        400,
    ),
}
ELSEWHERE = {"EXACT_INTEGER", "RESPONSE_BYTES", "SESSION_OR_WEAKER"}
"""Limits that refuse nothing, or not what is stored: tests of their own."""


@pytest.mark.parametrize("name", ROWS)
def test_what_is_at_a_limit_is_taken_and_what_is_beyond_it_is_refused(
    container: ContainerProxy, db: DatabaseProxy, name: str
) -> None:
    at, beyond, status = ROWS[name]
    at(container, db)
    with pytest.raises(CosmosHttpResponseError) as refused:
        beyond(container, db)
    assert refused.value.status_code == status


def test_every_limit_has_a_test() -> None:
    assert {name for name in vars(limits) if name.isupper()} == {*ROWS, *ELSEWHERE}


@pytest.mark.parametrize("level", ["Strong", "BoundedStaleness", "Nonsense"])
def test_more_consistency_than_the_account_has_is_refused_in_the_services_words(
    cosmos: LocalCosmos, container: ContainerProxy, level: str
) -> None:
    container.create_item(item())
    stronger = cosmos.client(consistency_level=level).get_database_client("db").get_container_client("c")
    with pytest.raises(CosmosHttpResponseError) as refused:
        stronger.read_item("1", "p")
    assert refused.value.status_code == 400
    assert f"ConsistencyLevel {level} specified in the request is invalid" in refused.value.message


@pytest.mark.parametrize("level", sorted(limits.SESSION_OR_WEAKER))
def test_as_much_consistency_or_less_is_fine(cosmos: LocalCosmos, container: ContainerProxy, level: str) -> None:
    container.create_item(item())
    client: CosmosClient = cosmos.client(consistency_level=level)
    assert client.get_database_client("db").get_container_client("c").read_item("1", "p")["id"] == "1"


def test_depth_is_refused_whatever_way_it_comes(container: ContainerProxy) -> None:
    container.upsert_item(item())
    for levels in (129, 200, 300):
        deep = nested(levels)
        for write in (
            lambda deep=deep: container.create_item(item("2", value=deep)),
            lambda deep=deep: container.replace_item("1", item(value=deep)),
            lambda deep=deep: container.patch_item("1", "p", [{"op": "set", "path": "/value", "value": deep}]),
        ):
            with pytest.raises(CosmosHttpResponseError) as refused:
                write()
            assert refused.value.status_code == 400
        with pytest.raises((CosmosBatchOperationError, CosmosHttpResponseError)):
            container.execute_item_batch([("create", (item("2", value=deep),))], "p")
    assert [found["id"] for found in container.read_all_items()] == ["1"]


def test_many_objects_beside_each_other_are_not_deep(container: ContainerProxy) -> None:
    wide = item(value=[{"n": [n]} for n in range(500)])
    assert container.upsert_item(wide)["value"] == wide["value"]


def test_a_long_key_is_refused_by_reads_and_queries_of_it_too(container: ContainerProxy) -> None:
    key = "k" * 2049
    for use in (
        lambda: container.read_item("1", key),
        lambda: container.delete_item("1", key),
        lambda: list(container.query_items("SELECT * FROM c", partition_key=key)),
        lambda: container.execute_item_batch([("upsert", ({"id": "1", "pk": key},))], key),
    ):
        with pytest.raises(CosmosHttpResponseError) as refused:
            use()
        assert refused.value.status_code == 400


@pytest.mark.parametrize("name", ["a/b", "a\\b"])
def test_a_slash_in_an_id_is_refused_by_the_server_as_by_the_sdk(container: ContainerProxy, name: str) -> None:
    with pytest.raises(ValueError, match="illegal"):
        container.create_item(item(name))
    with pytest.raises(CosmosBatchOperationError) as refused:  # here the SDK does not look
        container.execute_item_batch([("create", (item(name),))], "p")
    assert refused.value.status_code == 400


@pytest.mark.parametrize("name", ["a?b", "a#b"])
def test_other_marks_in_an_id_are_the_sdks_own_rule(container: ContainerProxy, name: str) -> None:
    with pytest.raises(ValueError, match="illegal"):
        container.create_item(item(name))
    container.execute_item_batch([("create", (item(name),))], "p")
    assert container.read_item(name, "p")["id"] == name
