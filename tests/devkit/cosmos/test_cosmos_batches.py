"""Transactional batches: all or nothing, one LSN, and the limits."""

import pytest
from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosHttpResponseError

from devkit.cosmos import LocalCosmos


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
