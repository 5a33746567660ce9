"""Transactional batches: all or nothing, one LSN, and the limits."""

from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from localazure.cosmos import LocalCosmos


def create(number: int) -> tuple[str, tuple[dict[str, object]]]:
    return ("create", ({"id": str(number), "pk": "p", "n": number},))


def test_a_batch_takes_effect_as_a_whole_with_one_lsn(container: ContainerProxy) -> None:
    results = container.execute_item_batch(
        [
            create(1),
            create(2),
            ("replace", ("1", {"id": "1", "pk": "p", "n": 10})),
            ("read", ("2",)),
            ("delete", ("2",)),
        ],
        "p",
    )
    assert [result["statusCode"] for result in results] == [201, 201, 200, 200, 204]
    changes = list(container.query_items_change_feed(start_time="Beginning"))
    assert [(change["id"], change["n"], change["_lsn"]) for change in changes] == [("1", 10, 1)]


def test_a_failing_operation_undoes_the_others_and_names_itself(container: ContainerProxy) -> None:
    container.create_item({"id": "3", "pk": "p"})
    with pytest.raises(CosmosBatchOperationError) as failure:
        container.execute_item_batch([create(1), create(2), create(3), create(4)], "p")
    assert failure.value.status_code == 409
    assert failure.value.error_index == 2
    assert [answer["statusCode"] for answer in failure.value.operation_responses] == [424, 424, 409, 424]
    assert [item["id"] for item in container.read_all_items()] == ["3"]


def test_a_refused_batch_takes_no_lsn(container: ContainerProxy) -> None:
    container.execute_item_batch([create(1)], "p")
    with pytest.raises(CosmosBatchOperationError):
        container.execute_item_batch([create(2), create(1)], "p")
    container.execute_item_batch([create(3)], "p")
    assert [change["_lsn"] for change in container.query_items_change_feed(start_time="Beginning")] == [1, 2]


def test_etags_are_checked_per_operation(container: ContainerProxy) -> None:
    etag = container.create_item({"id": "1", "pk": "p"})["_etag"]
    container.replace_item("1", {"id": "1", "pk": "p", "n": 2})
    with pytest.raises(CosmosBatchOperationError) as failure:
        container.execute_item_batch(
            [create(2), ("replace", ("1", {"id": "1", "pk": "p"}), {"if_match_etag": etag})], "p"
        )
    assert failure.value.status_code == 412
    assert failure.value.error_index == 1


def test_a_batch_of_a_hundred_fits_and_one_more_does_not(container: ContainerProxy) -> None:
    container.execute_item_batch([create(number) for number in range(100)], "p")
    with pytest.raises(CosmosHttpResponseError) as refusal:
        container.execute_item_batch([create(number) for number in range(100, 201)], "p")
    assert refusal.value.status_code == 400
    assert container.query_items("SELECT VALUE COUNT(1) FROM c", partition_key="p").next() == 100


def test_a_batch_above_two_megabytes_is_refused(container: ContainerProxy) -> None:
    operations = [("create", ({"id": str(n), "pk": "p", "text": "x" * 300_000},)) for n in range(8)]
    with pytest.raises(CosmosHttpResponseError) as refusal:
        container.execute_item_batch(operations, "p")
    assert refusal.value.status_code == 413


def test_minimal_answers_still_carry_the_etags(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    quiet: CosmosClient = cosmos.client(no_response_on_write=True)
    results = quiet.get_database_client("db").get_container_client("c").execute_item_batch([create(1)], "p")
    assert "resourceBody" not in results[0]
    assert results[0]["eTag"] == container.read_item("1", "p")["_etag"]


ITEMS: list[dict[str, Any]] = [
    {"id": "plain", "pk": "p", "text": "ä\u2028"},
    {"id": "read before", "pk": "p", "_ts": 1, "_etag": "old", "_rid": "x", "_self": "x", "_lsn": 3},
    {"id": "nested", "pk": "p", "a": {"b": [1, {"c": None}], "_ts": 5}, "d": []},
    {"id": "lives", "pk": "p", "ttl": 1000},
    {"id": "stays", "pk": "p", "ttl": -1},
    {"id": "big", "pk": "p", "text": "x" * 5000},
]
WRONG: list[tuple[dict[str, Any], int]] = [
    ({"pk": "p"}, 400),
    ({"id": "", "pk": "p"}, 400),
    ({"id": 7, "pk": "p"}, 400),
    ({"id": ["a"], "pk": "p"}, 400),
    ({"id": "a/b", "pk": "p"}, 400),
    ({"id": "x" * 1024, "pk": "p"}, 400),
    ({"id": "elsewhere", "pk": "q"}, 400),
    ({"id": "nowhere"}, 400),
    ({"id": "undead", "pk": "p", "ttl": 0}, 400),
    ({"id": "plain", "pk": "p"}, 409),
]


def without_identity(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in ("_rid", "_self", "_etag", "_ts", "_lsn")}


def test_a_batch_of_creates_stores_and_charges_what_single_creates_do(cosmos: LocalCosmos) -> None:
    database = cosmos.client().create_database("pairs")
    single, batch = (
        database.create_container(name, PartitionKey(path="/pk"), default_ttl=-1) for name in ("single", "batch")
    )
    charges = []
    for item in ITEMS:
        single.create_item(dict(item), response_hook=lambda headers, _: charges.append(headers["x-ms-request-charge"]))
    results = batch.execute_item_batch([("create", (dict(item),)) for item in ITEMS], "p")
    assert [f"{result['requestCharge']:.2f}" for result in results] == charges
    assert [result["resourceBody"] for result in results] == list(batch.read_all_items())
    for result, one in zip(results, single.read_all_items(), strict=True):
        assert without_identity(result["resourceBody"]) == without_identity(one)
        assert result["eTag"] == result["resourceBody"]["_etag"]
    feeds = [
        [without_identity(item) for item in container.query_items_change_feed(start_time="Beginning")]
        for container in (single, batch)
    ]
    assert feeds[0] == feeds[1]


@pytest.mark.parametrize(("wrong", "status"), WRONG)
def test_one_wrong_create_among_many_is_named_and_undoes_the_others(
    container: ContainerProxy, wrong: dict[str, Any], status: int
) -> None:
    with pytest.raises(CosmosBatchOperationError) as failure:
        container.execute_item_batch([("create", (item,)) for item in (ITEMS[0], wrong, ITEMS[2])], "p")
    assert (failure.value.error_index, failure.value.status_code) == (1, status)
    assert list(container.read_all_items()) == []
