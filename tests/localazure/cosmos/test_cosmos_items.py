"""Point operations: what is stored, what is refused, and what the answers say."""

import orjson
import pytest
from azure.core import MatchConditions
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosBatchOperationError,
    CosmosHttpResponseError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)

from localazure.cosmos import LocalCosmos


def item(item_id: str = "1", **properties: object) -> dict[str, object]:
    return {"id": item_id, "pk": "p", **properties}


def test_a_created_item_is_read_back_with_its_system_properties(container: ContainerProxy) -> None:
    created = container.create_item(item(text='é漢\n"quoted"', number=1.5, nothing=None, deep={"a": [1, {"b": True}]}))
    read = container.read_item("1", "p")
    assert read == created
    assert read["deep"] == {"a": [1, {"b": True}]}
    assert read["_self"].endswith(f"docs/{read['_rid']}/")


def test_the_same_id_may_live_in_two_partitions_but_not_twice_in_one(container: ContainerProxy) -> None:
    container.create_item(item())
    container.create_item({"id": "1", "pk": "q"})
    with pytest.raises(CosmosResourceExistsError):
        container.create_item(item())


def test_every_write_changes_the_etag(container: ContainerProxy) -> None:
    etags = [container.upsert_item(item(n=n))["_etag"] for n in range(3)]
    assert len(set(etags)) == 3


def test_a_replace_with_a_stale_etag_is_refused_and_changes_nothing(container: ContainerProxy) -> None:
    stale = container.create_item(item(n=1))["_etag"]
    container.replace_item("1", item(n=2))
    with pytest.raises(CosmosAccessConditionFailedError):
        container.replace_item("1", item(n=3), etag=stale, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(CosmosAccessConditionFailedError):
        container.delete_item("1", "p", etag=stale, match_condition=MatchConditions.IfNotModified)
    assert container.read_item("1", "p")["n"] == 2


def test_an_upsert_of_what_is_not_there_creates_it_whatever_version_is_expected(container: ContainerProxy) -> None:
    container.upsert_item(item(n=1), etag="anything", match_condition=MatchConditions.IfNotModified)
    assert container.read_item("1", "p")["n"] == 1
    with pytest.raises(CosmosAccessConditionFailedError):
        container.upsert_item(item(n=2), etag="anything", match_condition=MatchConditions.IfNotModified)


def test_a_read_of_a_known_version_costs_one_unit_and_has_no_body(
    cosmos: LocalCosmos, container: ContainerProxy
) -> None:
    etag = container.create_item(item(text="x" * 5000))["_etag"]
    container.read_item("1", "p", etag=etag, match_condition=MatchConditions.IfModified)
    assert [(entry.status, entry.charge) for entry in cosmos.log.filter("read")] == [(304, 1.0)]


def test_a_replaced_item_keeps_its_resource_id_and_drops_what_the_client_says_about_system_properties(
    container: ContainerProxy,
) -> None:
    created = container.create_item(item())
    replaced = container.replace_item("1", {**created, "_rid": "forged", "_ts": 1, "n": 2})
    assert replaced["_rid"] == created["_rid"]
    assert replaced["_ts"] >= created["_ts"]


def test_an_item_above_two_megabytes_is_refused(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError) as refusal:
        container.create_item(item(text="x" * 2 * 1024 * 1024))
    assert refusal.value.status_code == 413


def test_a_body_whose_key_is_not_the_header_s_is_refused_with_its_sub_status(container: ContainerProxy) -> None:
    with pytest.raises(CosmosBatchOperationError) as refusal:
        container.execute_item_batch([("create", ({"id": "2", "pk": "other"},))], "p")
    assert refusal.value.status_code == 400
    assert refusal.value.operation_responses[0]["subStatusCode"] == 1001


@pytest.mark.parametrize("item_id", ["", "a/b", "x" * 1024])
def test_an_id_that_azure_would_not_take_is_refused(
    cosmos: LocalCosmos, container: ContainerProxy, item_id: str
) -> None:
    with pytest.raises(CosmosBatchOperationError):
        container.execute_item_batch([("create", (item(item_id),))], "p")
    assert cosmos.log.count("batch", status=207) == 1


def test_unique_keys_hold_within_a_partition_and_count_an_absent_value_as_null(db: DatabaseProxy) -> None:
    container = db.create_container(
        "unique", PartitionKey(path="/pk"), unique_key_policy={"uniqueKeys": [{"paths": ["/email"]}]}
    )
    container.create_item(item("1", email="a"))
    container.create_item({"id": "1", "pk": "q", "email": "a"})
    container.create_item(item("2"))
    for taken in (item("3", email="a"), item("3")):
        with pytest.raises(CosmosResourceExistsError):
            container.create_item(taken)
    container.replace_item("1", item("1", email="b"))
    container.create_item(item("3", email="a"))
    container.delete_item("2", "p")
    container.create_item(item("4"))


def test_a_patch_applies_all_operations_or_none(container: ContainerProxy) -> None:
    container.create_item(item(n=1, tags=["a"], gone=True))
    patched = container.patch_item(
        "1",
        "p",
        [
            {"op": "incr", "path": "/n", "value": 2},
            {"op": "add", "path": "/tags/-", "value": "b"},
            {"op": "remove", "path": "/gone"},
            {"op": "set", "path": "/deep", "value": {"x": 1}},
            {"op": "move", "from": "/deep/x", "path": "/moved"},
        ],
    )
    assert (patched["n"], patched["tags"], patched["deep"], patched["moved"]) == (3, ["a", "b"], {}, 1)
    assert "gone" not in patched
    with pytest.raises(CosmosHttpResponseError):
        container.patch_item(
            "1", "p", [{"op": "set", "path": "/n", "value": 9}, {"op": "replace", "path": "/no", "value": 1}]
        )
    assert container.read_item("1", "p")["n"] == 3


def test_a_patch_whose_condition_is_false_is_refused(container: ContainerProxy) -> None:
    container.create_item(item(n=1))
    with pytest.raises(CosmosAccessConditionFailedError):
        container.patch_item(
            "1", "p", [{"op": "set", "path": "/n", "value": 2}], filter_predicate="from c where c.n = 7"
        )
    container.patch_item("1", "p", [{"op": "set", "path": "/n", "value": 2}], filter_predicate="from c where c.n = 1")
    assert container.read_item("1", "p")["n"] == 2


@pytest.mark.parametrize("path", ["/id", "/pk", "/_ts"])
def test_a_patch_may_not_touch_what_identifies_the_item(container: ContainerProxy, path: str) -> None:
    container.create_item(item())
    with pytest.raises(CosmosHttpResponseError) as refusal:
        container.patch_item("1", "p", [{"op": "set", "path": path, "value": "x"}])
    assert refusal.value.status_code == 400


def test_deleting_a_partition_leaves_the_others(container: ContainerProxy) -> None:
    for number in range(3):
        container.create_item(item(str(number)))
    container.create_item({"id": "1", "pk": "q"})
    container.delete_all_items_by_partition_key("p")
    assert [found["pk"] for found in container.read_all_items()] == ["q"]


def test_keys_with_equal_hashes_in_version_one_do_not_share_items(db: DatabaseProxy) -> None:
    container = db.create_container("v1", {"paths": ["/pk"], "kind": "Hash", "version": 1})  # type: ignore[arg-type]
    keys = ["x" * 100 + tail for tail in ("", "a", "b")]
    for key in keys:
        container.create_item({"id": "1", "pk": key})
    assert [container.read_item("1", key)["pk"] for key in keys] == keys


def test_a_missing_item_and_a_missing_container_are_told_apart(db: DatabaseProxy, container: ContainerProxy) -> None:
    with pytest.raises(CosmosResourceNotFoundError) as missing:
        container.read_item("1", "p")
    assert not missing.value.sub_status
    with pytest.raises(CosmosResourceNotFoundError) as ownerless:
        db.get_container_client("nowhere").read_item("1", "p")
    assert "there is no container 'nowhere'" in str(ownerless.value)


def test_stored_text_is_what_the_client_sent(container: ContainerProxy) -> None:
    text = '{"amount":500,"list":[1,2,{"x":"\\u00e9"}]}'
    container.create_item(item(state=text))
    assert container.read_item("1", "p")["state"] == text
    assert orjson.loads(text)["amount"] == 500
