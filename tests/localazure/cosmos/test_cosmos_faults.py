"""Failing on purpose: every fault is what the SDK would see from a real account in trouble."""

import time
from contextlib import suppress
from typing import Any

import pytest
from azure.core.exceptions import ServiceResponseError, ServiceResponseTimeoutError
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import CosmosHttpResponseError

from localazure.cosmos import LocalCosmos, RequestInfo


def item(number: int) -> dict[str, Any]:
    return {"id": str(number), "pk": "p"}


def test_a_throttled_write_is_retried_by_the_sdk_after_the_given_time(
    cosmos: LocalCosmos, container: ContainerProxy
) -> None:
    fault = cosmos.faults.add(status=429, retry_after_ms=1, operation="create", count=3)
    container.create_item(item(1))
    assert fault.fired == 3
    assert [entry.status for entry in cosmos.log.filter("create")] == [429, 429, 429, 201]
    assert cosmos.log.filter("create")[0].sub_status == 3200


@pytest.mark.parametrize("status", [408, 449, 500])
def test_other_failures_surface_with_their_status(cosmos: LocalCosmos, container: ContainerProxy, status: int) -> None:
    cosmos.faults.add(status=status, operation="create", container="c")
    with pytest.raises(CosmosHttpResponseError) as failure:
        container.create_item(item(1))
    assert failure.value.status_code == status
    cosmos.faults.clear()
    assert list(container.read_all_items()) == []


@pytest.mark.parametrize(
    ("status", "sub_status", "answered"),
    [(404, None, 1002), (410, None, 1002), (410, 1000, 1000), (429, None, 3200), (404, 0, 0), (503, None, 0)],
)
def test_a_failure_has_the_sub_status_it_mostly_has_or_the_one_given(
    cosmos: LocalCosmos, container: ContainerProxy, status: int, sub_status: int | None, answered: int
) -> None:
    container.create_item(item(1))
    cosmos.faults.add(status=status, sub_status=sub_status, operation="read", count=1)
    cosmos.log.clear()
    with suppress(CosmosHttpResponseError):
        container.read_item("1", "p")
    first = cosmos.log.filter("read")[0]
    assert (first.status, first.sub_status) == (status, answered)


@pytest.mark.parametrize("operation", ["read", "query", "changefeed"])
def test_a_session_that_no_replica_has_seen_is_refused_for_one_kind_of_request(
    cosmos: LocalCosmos, container: ContainerProxy, operation: str
) -> None:
    container.create_item(item(1))
    fault = cosmos.faults.add(status=404, operation=operation)
    uses = {
        "read": lambda: container.read_item("1", "p"),
        "query": lambda: list(container.query_items("SELECT * FROM c", partition_key="p")),
        "changefeed": lambda: list(container.query_items_change_feed(start_time="Beginning")),
    }
    for name, use in uses.items():
        if name != operation:
            use()
            continue
        with pytest.raises(CosmosHttpResponseError) as refused:
            use()
        assert (refused.value.status_code, refused.value.sub_status) == (404, 1002)
    assert fault.fired > 0


def test_an_answer_can_be_lost_after_the_write_was_committed(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    cosmos.faults.add(lose_answer=True, operation="batch", count=1)
    with pytest.raises(ServiceResponseError) as lost:
        container.execute_item_batch([("create", (item(1),))], "p")
    assert isinstance(lost.value.inner_exception, ConnectionResetError)
    assert container.read_item("1", "p")["id"] == "1"
    assert cosmos.log.count("batch", status=0) == 1


def test_a_lost_answer_can_look_like_a_time_out(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    cosmos.faults.add(lose_answer=True, timeout=True, operation="create", count=1)
    with pytest.raises(ServiceResponseTimeoutError):
        container.create_item(item(1))
    assert container.read_item("1", "p")["id"] == "1"


def test_a_refusal_can_take_the_place_of_the_answer_to_a_committed_write(
    cosmos: LocalCosmos, container: ContainerProxy
) -> None:
    cosmos.faults.add(lose_answer=True, status=408, operation="create", count=1)
    with pytest.raises(CosmosHttpResponseError) as failure:
        container.create_item(item(1))
    assert failure.value.status_code == 408
    assert container.read_item("1", "p")["id"] == "1"


def test_a_reset_connection_leaves_nothing_behind(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    cosmos.faults.add(reset=True, operation="create", count=1)
    with pytest.raises(ServiceResponseError):
        container.create_item(item(1))
    assert list(container.read_all_items()) == []


def test_a_fault_can_wait_for_the_nth_request_of_its_kind(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    cosmos.faults.add(status=408, operation="create", skip=2, count=1)
    container.create_item(item(1))
    container.create_item(item(2))
    with pytest.raises(CosmosHttpResponseError):
        container.create_item(item(3))
    container.create_item(item(4))


def test_a_seed_makes_chance_repeatable(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    def outcomes() -> list[int]:
        cosmos.faults.clear()
        cosmos.log.clear()
        cosmos.faults.add(status=408, operation="upsert", probability=0.5, seed=42)
        for number in range(30):
            with suppress(CosmosHttpResponseError):
                container.upsert_item(item(number))
        return [entry.status for entry in cosmos.log.filter("upsert")]

    first = outcomes()
    cosmos.faults.clear()
    container.delete_all_items_by_partition_key("p")
    assert first == outcomes()
    assert {201, 408} == set(first)


def test_a_slow_answer_takes_its_time(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    cosmos.faults.add(delay=0.05, operation="create")
    started = time.perf_counter()
    container.create_item(item(1))
    assert time.perf_counter() - started >= 0.05
    assert cosmos.log.filter("create")[0].duration >= 0.05


def test_another_container_is_left_alone(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    cosmos.faults.add(status=503, container="elsewhere")
    container.create_item(item(1))


def test_a_callback_sees_every_request_in_order_and_in_both_phases(
    cosmos: LocalCosmos, container: ContainerProxy
) -> None:
    seen: list[tuple[int, str, str, int]] = []
    remove = cosmos.faults.on_request(
        lambda info, phase: seen.append((info.number, info.operation, phase, info.status))
    )
    container.create_item(item(1))
    container.read_item("1", "p")
    remove()
    container.read_item("1", "p")
    points = [entry for entry in seen if entry[1] in ("create", "read")]
    assert [entry[1:] for entry in points] == [
        ("create", "before", 0),
        ("create", "after", 201),
        ("read", "before", 0),
        ("read", "after", 200),
    ]
    assert points[0][0] == points[1][0] < points[2][0] == points[3][0]


class Crash(Exception):
    """The process stopped here."""


@pytest.mark.parametrize(("phase", "stored"), [("before", 0), ("after", 1)])
def test_a_callback_can_stop_a_client_before_or_after_the_commit(
    cosmos: LocalCosmos, container: ContainerProxy, phase: str, stored: int
) -> None:
    def crash(info: RequestInfo, at: str) -> None:
        if info.operation == "create" and at == phase:
            raise Crash

    remove = cosmos.faults.on_request(crash)
    with pytest.raises(Crash):
        container.create_item(item(1))
    remove()
    assert len(list(container.read_all_items())) == stored


def test_a_callback_can_let_another_writer_go_first(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    rival = cosmos.client().get_database_client("db").get_container_client("c")

    def overtake(info: RequestInfo, phase: str) -> None:
        if info.operation == "create" and phase == "before" and info.number < 50:
            remove()
            rival.create_item({**item(1), "rival": True})

    remove = cosmos.faults.on_request(overtake)
    with pytest.raises(CosmosHttpResponseError) as conflict:
        container.create_item(item(1))
    assert conflict.value.status_code == 409
    assert container.read_item("1", "p")["rival"] is True


def test_a_fault_with_nothing_to_do_is_refused(cosmos: LocalCosmos) -> None:
    with pytest.raises(ValueError, match="something to do"):
        cosmos.faults.add(operation="create")
    with pytest.raises(ValueError, match="cannot be injected"):
        cosmos.faults.add(status=200)


def test_the_log_counts_beyond_what_it_keeps(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    cosmos.log.clear()
    container.create_item(item(1))
    container.read_item("1", "p")
    assert cosmos.log.count("create", database="db", container="c", status=201) == 1
    assert cosmos.log.charge == pytest.approx(sum(entry.charge for entry in cosmos.log))
    cosmos.log.clear()
    assert len(cosmos.log) == 0
