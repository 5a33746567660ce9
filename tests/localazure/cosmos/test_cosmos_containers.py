"""Containers and databases: definitions are checked, completed, kept, and fixed where Azure fixes them."""

from typing import Any

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey, ThroughputProperties
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceExistsError, CosmosResourceNotFoundError


def test_a_container_comes_back_with_every_default(container: ContainerProxy) -> None:
    read = container.read()
    assert read["indexingPolicy"] == {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": "/*"}],
        "excludedPaths": [{"path": '/"_etag"/?'}],
    }
    assert read["partitionKey"] == {"paths": ["/pk"], "kind": "Hash", "version": 2}
    assert read["conflictResolutionPolicy"]["mode"] == "LastWriterWins"


@pytest.mark.parametrize(
    "policy",
    [
        {"includedPaths": [{"path": "/a/?"}]},
        {"includedPaths": [{"path": "/*"}], "excludedPaths": [{"path": "/*"}]},
        {"includedPaths": [{"path": "/*"}, {"path": "a"}]},
        {"includedPaths": [{"path": "/*"}, {"path": "/a"}]},
        {"indexingMode": "none", "includedPaths": [{"path": "/*"}]},
        {"indexingMode": "sometimes"},
        {"compositeIndexes": [[{"path": "/a"}]]},
    ],
)
def test_an_indexing_policy_that_azure_would_not_take_is_refused(db: DatabaseProxy, policy: dict[str, Any]) -> None:
    with pytest.raises(CosmosHttpResponseError) as refusal:
        db.create_container("c", PartitionKey(path="/pk"), indexing_policy=policy)
    assert refusal.value.status_code == 400


@pytest.mark.parametrize("ttl", [0, -5])
def test_a_default_time_to_live_must_be_positive_or_never(db: DatabaseProxy, ttl: int) -> None:
    with pytest.raises(CosmosHttpResponseError):
        db.create_container("c", PartitionKey(path="/pk"), default_ttl=ttl)


def test_the_partition_key_of_a_container_is_fixed(db: DatabaseProxy, container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError, match="partitionKey"):
        db.replace_container(container, PartitionKey(path="/other"))


def test_a_hierarchical_key_has_at_most_three_levels(db: DatabaseProxy) -> None:
    with pytest.raises(CosmosHttpResponseError, match="Too many partition key paths"):
        db.create_container("c", PartitionKey(path=["/a", "/b", "/c", "/d"], kind="MultiHash"))


def test_names_are_taken_once_and_free_after_deletion(
    client: CosmosClient, db: DatabaseProxy, container: ContainerProxy
) -> None:
    with pytest.raises(CosmosResourceExistsError):
        db.create_container("c", PartitionKey(path="/pk"))
    with pytest.raises(CosmosResourceExistsError):
        client.create_database("db")
    container.create_item({"id": "1", "pk": "p"})
    client.delete_database("db")
    with pytest.raises(CosmosResourceNotFoundError):
        client.get_database_client("db").read()
    again = client.create_database("db").create_container("c", PartitionKey(path="/pk"))
    assert list(again.read_all_items()) == []


def test_databases_and_containers_can_be_listed_and_queried(client: CosmosClient, db: DatabaseProxy) -> None:
    for name in ("a", "b", "c"):
        db.create_container(name, PartitionKey(path="/pk"))
    assert [entry["id"] for entry in db.list_containers()] == ["a", "b", "c"]
    assert [entry["id"] for entry in db.query_containers("SELECT * FROM c WHERE c.id > 'a'")] == ["b", "c"]
    assert [entry["id"] for entry in client.query_databases("SELECT * FROM d WHERE d.id = 'db'")] == ["db"]


def test_throughput_is_kept_with_its_container_and_gone_with_it(db: DatabaseProxy) -> None:
    manual = db.create_container("manual", PartitionKey(path="/pk"), offer_throughput=700)
    scaled = db.create_container(
        "scaled", PartitionKey(path="/pk"), offer_throughput=ThroughputProperties(auto_scale_max_throughput=4000)
    )
    assert manual.get_throughput().offer_throughput == 700
    assert scaled.get_throughput().auto_scale_max_throughput == 4000
    with pytest.raises(CosmosHttpResponseError):
        manual.replace_throughput(100)


def test_what_is_not_served_is_refused_by_name(container: ContainerProxy) -> None:
    with pytest.raises(CosmosHttpResponseError, match="stored procedures"):
        list(container.scripts.list_stored_procedures())
