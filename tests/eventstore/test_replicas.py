"""A replica that lags behind its session says nothing of an item: nobody may take it for the item's absence."""

import pytest
from azure.cosmos import DatabaseProxy
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from eventsourcing.persistence import Tracking

from eventstore.cosmos.containers import LEASES
from eventstore.library.tracking import CosmosTrackingRecorder
from eventstore.personal import MemoryKey, SubjectKeys
from localazure.cosmos import LocalCosmos


def behind(cosmos: LocalCosmos) -> None:
    cosmos.faults.add(status=404, sub_status=1002, operation="read")


def test_a_key_that_a_replica_does_not_have_yet_is_not_unknown(cosmos: LocalCosmos, tables: DatabaseProxy) -> None:
    master = MemoryKey()
    key = SubjectKeys(tables, master).current("alice")
    behind(cosmos)
    with pytest.raises(CosmosResourceNotFoundError):
        SubjectKeys(tables, master).find("alice", key.number)
    cosmos.faults.clear()
    assert SubjectKeys(tables, master).find("alice", key.number) == (key, False)


def test_a_position_that_a_replica_does_not_have_yet_is_not_the_beginning(
    cosmos: LocalCosmos, tables: DatabaseProxy
) -> None:
    positions = CosmosTrackingRecorder(tables.get_container_client(LEASES.name))
    positions.insert_tracking(Tracking("upstream", 7))
    behind(cosmos)
    with pytest.raises(CosmosResourceNotFoundError):
        positions.max_tracking_id("upstream")
    cosmos.faults.clear()
    assert positions.max_tracking_id("upstream") == 7


def test_a_replica_that_is_behind_twice_is_no_mistake_of_the_sdk(cosmos: LocalCosmos, tables: DatabaseProxy) -> None:
    positions = CosmosTrackingRecorder(tables.get_container_client(LEASES.name))
    behind(cosmos)
    for _ in range(2):
        with pytest.raises(CosmosResourceNotFoundError):
            positions.max_tracking_id("upstream")
