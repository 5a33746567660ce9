"""Readers of the hub keep their place in Cosmos DB: what the Event Hubs SDK asks of a checkpoint store."""

from typing import Any

import pytest
from azure.cosmos import CosmosClient

from eventstore.cosmos.containers import LEASES
from projectors.relay import CosmosCheckpointStore

HUB = {
    "fully_qualified_namespace": "Acme.servicebus.windows.net",
    "eventhub_name": "ledger",
    "consumer_group": "billing",
}
GROUP = tuple(HUB.values())


@pytest.fixture
def store(client: CosmosClient, database: str) -> CosmosCheckpointStore:
    return CosmosCheckpointStore(client.get_database_client(database).get_container_client(LEASES.name))


def claim(partition: str, owner: str, **more: Any) -> dict[str, Any]:
    return {**HUB, "partition_id": partition, "owner_id": owner, **more}


def test_nobody_owns_anything_at_first(store: CosmosCheckpointStore) -> None:
    assert list(store.list_ownership(*GROUP)) == []
    assert list(store.list_checkpoints(*GROUP)) == []


def test_a_free_partition_is_claimed_and_listed_with_its_etag_and_time(store: CosmosCheckpointStore) -> None:
    (won,) = store.claim_ownership([claim("0", "a")])
    assert won["owner_id"] == "a"
    assert won["etag"]
    assert isinstance(won["last_modified_time"], float)
    assert list(store.list_ownership(*GROUP)) == [won]


def test_of_two_that_claim_a_free_partition_one_wins(store: CosmosCheckpointStore) -> None:
    assert len(list(store.claim_ownership([claim("0", "a")]))) == 1
    assert list(store.claim_ownership([claim("0", "b")])) == []
    assert [o["owner_id"] for o in store.list_ownership(*GROUP)] == ["a"]


def test_a_renewal_needs_the_newest_etag(store: CosmosCheckpointStore) -> None:
    (first,) = store.claim_ownership([claim("0", "a")])
    (second,) = store.claim_ownership([dict(first)])
    assert second["etag"] != first["etag"]
    assert list(store.claim_ownership([dict(first, owner_id="b")])) == []
    assert [o["owner_id"] for o in store.list_ownership(*GROUP)] == ["a"]


def test_a_claim_with_the_etag_of_a_document_that_is_gone_is_lost(store: CosmosCheckpointStore) -> None:
    assert list(store.claim_ownership([claim("0", "a", etag='"gone"')])) == []


def test_claims_of_several_partitions_stand_or_fall_alone(store: CosmosCheckpointStore) -> None:
    store.claim_ownership([claim("1", "b")])
    won = list(store.claim_ownership([claim("0", "a"), claim("1", "a"), claim("2", "a")]))
    assert [o["partition_id"] for o in won] == ["0", "2"]


def test_a_released_partition_has_no_owner(store: CosmosCheckpointStore) -> None:
    (won,) = store.claim_ownership([claim("0", "a")])
    store.claim_ownership([dict(won, owner_id="")])
    assert [o["owner_id"] for o in store.list_ownership(*GROUP)] == [""]


def test_the_last_checkpoint_counts(store: CosmosCheckpointStore) -> None:
    for offset, sequence_number in (("100", 1), ("300", 3)):
        store.update_checkpoint({**HUB, "partition_id": "0", "offset": offset, "sequence_number": sequence_number})
    assert list(store.list_checkpoints(*GROUP)) == [{**HUB, "partition_id": "0", "offset": "300", "sequence_number": 3}]


def test_consumer_groups_keep_apart_and_names_have_no_case(store: CosmosCheckpointStore) -> None:
    store.update_checkpoint({**HUB, "partition_id": "0", "offset": "1", "sequence_number": 1})
    assert list(store.list_checkpoints(*GROUP[:2], "audit")) == []
    assert len(list(store.list_checkpoints(GROUP[0].upper(), "LEDGER", "Billing"))) == 1
    assert list(store.list_ownership(*GROUP)) == []
