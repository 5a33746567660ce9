"""A replica that is behind: reads without a session see a state that once was, whole; a session sees its own writes."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError, CosmosResourceNotFoundError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localazure.cosmos import LocalCosmos
from localazure.cosmos.storage import replicas

State = dict[tuple[str, str], int]


def item(item_id: str = "1", n: int = 0, key: str = "p") -> dict[str, Any]:
    return {"id": item_id, "pk": key, "n": n}


@pytest.fixture
def reader(cosmos: LocalCosmos, container: ContainerProxy) -> ContainerProxy:
    """The same container for a client without a session."""
    client = cosmos.client(consistency_level="Eventual")
    return client.get_database_client("db").get_container_client(container.id)


def by_query(reader: ContainerProxy) -> State:
    rows = reader.query_items("SELECT * FROM c", enable_cross_partition_query=True)
    return {(row["pk"], row["id"]): row["n"] for row in rows}


def by_condition(reader: ContainerProxy) -> State:
    rows = reader.query_items("SELECT * FROM c WHERE c.n >= 0 AND c.id >= ''", enable_cross_partition_query=True)
    return {(row["pk"], row["id"]): row["n"] for row in rows}


def by_listing(reader: ContainerProxy) -> State:
    return {(row["pk"], row["id"]): row["n"] for row in reader.read_all_items()}


def by_feed(reader: ContainerProxy) -> State:
    return {
        (row["pk"], row["id"]): row["n"]
        for feed_range in reader.read_feed_ranges()
        for row in reader.query_items_change_feed(feed_range=feed_range, start_time="Beginning")
    }


def by_reads(reader: ContainerProxy) -> State:
    found = {}
    for key in "pq":
        for item_id in "123":
            try:
                found[key, item_id] = reader.read_item(item_id, key)["n"]
            except CosmosResourceNotFoundError:
                continue
    return found


READS = (by_query, by_condition, by_listing, by_feed, by_reads)


@pytest.mark.parametrize("read", READS)
def test_a_late_read_of_one_container_sees_nothing_of_another(
    cosmos: LocalCosmos, container: ContainerProxy, reader: ContainerProxy, read: Callable[[ContainerProxy], State]
) -> None:
    other = cosmos.client().get_database_client("db").create_container("other", PartitionKey(path="/pk"))
    other.create_item(item("1", 7))
    container.create_item(item("2", 1))
    cosmos.faults.add(lag=1)
    container.create_item(item("3", 1))
    other.replace_item("1", item("1", 8))
    other.delete_item("1", "p")
    assert read(reader) == {("p", "2"): 1}


@pytest.mark.parametrize("read", READS)
def test_a_late_read_sees_what_was_created_changed_and_deleted_as_it_was_before(
    cosmos: LocalCosmos, container: ContainerProxy, reader: ContainerProxy, read: Callable[[ContainerProxy], State]
) -> None:
    container.create_item(item("1", 1))
    container.create_item(item("2", 1))
    rule = cosmos.faults.add(lag=3)
    container.replace_item("1", item("1", 2))
    container.delete_item("2", "p")
    container.create_item(item("3", 1))
    assert read(reader) == {("p", "1"): 1, ("p", "2"): 1}
    assert rule.fired > 0
    container.upsert_item(item("3", 2))
    assert read(reader) == {("p", "1"): 2, ("p", "2"): 1}
    cosmos.faults.clear()
    assert read(reader) == {("p", "1"): 2, ("p", "3"): 2}


writes = st.tuples(st.sampled_from(["put", "delete", "batch", "split"]), st.sampled_from("123"), st.sampled_from("pq"))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(writes, max_size=14), lag=st.integers(0, 5), before=st.integers(0, 4))
def test_every_late_read_is_a_state_that_once_was(steps: list[Any], lag: int, before: int) -> None:
    with LocalCosmos() as cosmos:
        container = cosmos.client().create_database("db").create_container("c", PartitionKey(path="/pk"))
        reader = cosmos.client(consistency_level="Eventual").get_database_client("db").get_container_client("c")
        state: State = {}
        states: dict[str, list[State]] = {key: [{}] for key in "pq"}
        for number, (what, item_id, key) in enumerate(steps):
            if number == before and lag:
                cosmos.faults.add(lag=lag)
            if what == "split":
                if len(list(container.read_feed_ranges())) < 4:
                    cosmos.split("db", "c")
                continue
            if what == "put":
                container.upsert_item(item(item_id, number, key))
                state[key, item_id] = number
            elif what == "batch":
                for other in "12":
                    state[key, other] = number
                container.execute_item_batch([("upsert", (item(o, number, key),)) for o in "112"], key)
            else:
                if (key, item_id) not in state:
                    continue
                container.delete_item(item_id, key)
                del state[key, item_id]
            states[key].append({place: n for place, n in state.items() if place[0] == key})
        for read in READS:
            seen = read(reader)
            for key in "pq":
                mine = {place: n for place, n in seen.items() if place[0] == key}
                assert mine in states[key][-lag - 1 :], read


def test_a_session_sees_its_own_writes_whatever_the_lag(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    container.create_item(item("1", 1))
    cosmos.faults.add(lag=100)
    for n in range(2, 6):
        container.replace_item("1", item("1", n))
        assert container.read_item("1", "p")["n"] == n
        assert list(container.query_items("SELECT VALUE c.n FROM c", partition_key="p")) == [n]


def test_a_session_that_no_replica_can_serve_is_refused_where_the_rule_says_so(
    cosmos: LocalCosmos, container: ContainerProxy
) -> None:
    container.create_item(item("1", 1))
    rule = cosmos.faults.add(lag=1, refuse_sessions=True)
    container.replace_item("1", item("1", 2))
    with pytest.raises(CosmosHttpResponseError) as refused:
        container.read_item("1", "p")
    assert (refused.value.status_code, refused.value.sub_status) == (404, 1002)
    assert "read session is not available" in refused.value.message
    assert rule.fired > 1  # the SDK asked again


def test_a_lag_in_seconds_ends_when_they_are_over(
    cosmos: LocalCosmos, container: ContainerProxy, reader: ContainerProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr("localazure.cosmos.storage.replicas.time.time", lambda: moment)
    container.create_item(item("1", 1))
    cosmos.faults.add(lag_seconds=2)
    container.replace_item("1", item("1", 2))
    moment += 1
    container.replace_item("1", item("1", 3))
    assert reader.read_item("1", "p")["n"] == 1
    moment += 1
    assert reader.read_item("1", "p")["n"] == 2
    moment += 1
    assert reader.read_item("1", "p")["n"] == 3


def test_a_change_feed_that_is_behind_goes_on_where_it_was(
    cosmos: LocalCosmos, container: ContainerProxy, reader: ContainerProxy
) -> None:
    container.create_item(item("1", 1))
    cosmos.faults.add(lag=1)
    container.create_item(item("2", 1))
    (feed_range,) = reader.read_feed_ranges()
    first = reader.query_items_change_feed(feed_range=feed_range, start_time="Beginning").by_page()
    assert [row["id"] for page in first for row in page] == ["1"]
    container.create_item(item("3", 1))
    token = reader.client_connection.last_response_headers["etag"]
    rest = reader.query_items_change_feed(continuation=token)
    assert [row["id"] for row in rest] == ["2"]


def test_an_answer_says_how_far_its_replica_is(
    cosmos: LocalCosmos, container: ContainerProxy, reader: ContainerProxy
) -> None:
    container.create_item(item("1", 1))
    before = container.client_connection.last_response_headers["lsn"]
    cosmos.faults.add(lag=1)
    container.create_item(item("2", 1))
    headers = reader.read_item("1", "p").get_response_headers()
    assert headers["lsn"] == before
    assert f"#{before}#" in headers["x-ms-session-token"]


def test_writes_and_their_conditions_are_never_late(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    cosmos.faults.add(lag=100)
    container.create_item(item("1", 1))
    with pytest.raises(CosmosHttpResponseError) as conflict:
        container.create_item(item("1", 2))
    assert conflict.value.status_code == 409
    results = container.execute_item_batch([("read", ("1",))], "p")
    assert results[0]["resourceBody"]["n"] == 1


def test_only_so_many_changes_are_kept(
    cosmos: LocalCosmos, container: ContainerProxy, reader: ContainerProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "_RECORD", replicas._RECORD.replace(str(replicas._KEPT), "3"))
    cosmos.faults.add(lag=100)
    for n in range(10):
        container.upsert_item(item("1", n))
    assert reader.read_item("1", "p")["n"] == 7


@pytest.mark.parametrize("rule", [{"lag": -1}, {"refuse_sessions": True}])
def test_a_lag_that_makes_no_sense_is_refused(cosmos: LocalCosmos, rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="lag"):
        cosmos.faults.add(**rule)
