"""The library's recorders where reads lag and answers are lost."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy
from eventsourcing.persistence import IntegrityError, StoredEvent, Tracking

from eventstore.cosmos.containers import LEASES
from eventstore.errors import StoreBusy
from eventstore.library.recorder import CosmosAggregateRecorder
from eventstore.library.tracking import CosmosTrackingRecorder
from eventstore.log.history import History
from localazure.cosmos import LocalCosmos
from tests.eventstore.conftest import STREAM, let_lag, let_reads_of_the_last_lag


def stored(version: int) -> StoredEvent:
    return StoredEvent(STREAM, version, "topic", b"{}")


@pytest.fixture
def three(events: ContainerProxy) -> None:
    CosmosAggregateRecorder(events).insert_events([stored(1), stored(2), stored(3)])


@pytest.mark.parametrize("lag", [let_lag, let_reads_of_the_last_lag])
def test_an_append_names_the_hash_before_it_also_beside_a_lagging_replica(
    three: None,
    events: ContainerProxy,
    history: History,
    monkeypatch: pytest.MonkeyPatch,
    lag: Callable[[pytest.MonkeyPatch], None],
) -> None:
    lag(monkeypatch)
    CosmosAggregateRecorder(events).insert_events([stored(4)])
    assert history.verify(STREAM).sound


def test_an_empty_stream_that_was_read_from_a_lagging_replica_is_not_believed(
    events: ContainerProxy, history: History
) -> None:
    CosmosAggregateRecorder(events).insert_events([stored(1)])
    recorder = CosmosAggregateRecorder(events)
    with pytest.MonkeyPatch.context() as patch:
        let_lag(patch)
        assert recorder.select_events(STREAM) == []
    recorder.insert_events([stored(2)])
    assert history.verify(STREAM).sound


def test_an_append_beyond_the_end_is_a_conflict_and_leaves_nothing(
    three: None, events: ContainerProxy, history: History
) -> None:
    recorder = CosmosAggregateRecorder(events)
    with pytest.raises(IntegrityError, match="version 6"):
        recorder.insert_events([stored(6)])
    assert [each.version for each in history.stream(STREAM)] == [1, 2, 3]
    assert history.verify(STREAM).sound


@pytest.fixture
def positions(tables: DatabaseProxy) -> CosmosTrackingRecorder:
    return CosmosTrackingRecorder(tables.get_container_client(LEASES.name))


def count(values: dict[str, Any]) -> None:
    values["count"] = values.get("count", 0) + 1


LOST: list[dict[str, Any]] = [
    {"lose_answer": True, "count": 1},
    {"lose_answer": True, "status": 503, "count": 1},
    {"lose_answer": True, "timeout": True, "count": 1},
    {"reset": True, "count": 1},
    {"lose_answer": True, "status": 408, "count": 4},
]


@pytest.mark.parametrize("fault", LOST, ids=str)
@pytest.mark.parametrize("operation", ["create", "replace"])
def test_a_position_that_was_written_though_nobody_said_so_is_this_update(
    positions: CosmosTrackingRecorder, cosmos: LocalCosmos, operation: str, fault: dict[str, Any]
) -> None:
    first = 1 if operation == "create" else 2
    if operation == "replace":
        positions.update(Tracking("upstream", 1), count)
    cosmos.faults.add(**fault, operation=operation, container="leases")
    positions.update(Tracking("upstream", first), count)
    assert (positions.max_tracking_id("upstream"), positions.values("upstream")) == (first, {"count": first})


def test_a_position_of_another_writer_is_still_refused(positions: CosmosTrackingRecorder, tables: Any) -> None:
    other = CosmosTrackingRecorder(tables.get_container_client(LEASES.name))
    other.update(Tracking("upstream", 2), count)
    with pytest.raises(IntegrityError, match="position 2 of upstream is not beyond 2"):
        positions.update(Tracking("upstream", 2), count)
    assert positions.values("upstream") == {"count": 1}


def test_a_position_that_gets_no_answer_at_all_is_busy_and_says_so(
    positions: CosmosTrackingRecorder, cosmos: LocalCosmos
) -> None:
    cosmos.faults.add(status=503, operation="create", container="leases")
    with pytest.raises(StoreBusy, match="no answer"):
        positions.insert_tracking(Tracking("upstream", 1))
