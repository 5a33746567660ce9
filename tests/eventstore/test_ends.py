"""Every call into the SDK comes to an end, also when the store says again and again that its ranges are gone."""

import threading
from collections.abc import Callable

import azure.cosmos
import pytest
from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos._routing.routing_map_provider import PartitionKeyRangeCache
from azure.cosmos.exceptions import CosmosHttpResponseError

from eventstore.cosmos.client import connect
from eventstore.cosmos.containers import CONTAINERS, ContainerSpec, create_containers
from eventstore.cosmos.routing import SDK, RefreshLock, _Locks, bound_refreshes
from eventstore.cosmos.settings import CosmosSettings
from localazure.cosmos import LocalCosmos

_FOR_EVER = 20.0
"""Seconds after which a thread is taken for one that never comes back; nothing here takes one."""

Call = Callable[[ContainerProxy, ContainerSpec], object]

CALLS: dict[str, Call] = {
    "read": lambda container, _: container.read_item("a", "p"),
    "query of a partition": lambda container, _: list(container.query_items("SELECT * FROM c", partition_key="p")),
    "query of all": lambda container, _: list(
        container.query_items("SELECT * FROM c", enable_cross_partition_query=True)
    ),
    "create": lambda container, spec: container.create_item(_document("b", spec)),
    "replace": lambda container, spec: container.replace_item("a", _document("a", spec)),
    "delete": lambda container, _: container.delete_item("a", "p"),
    "batch": lambda container, spec: container.execute_item_batch([("create", (_document("c", spec),))], "p"),
    "change feed": lambda container, _: list(container.query_items_change_feed(start_time="Beginning")),
    "ranges": lambda container, _: list(container.read_feed_ranges(force_refresh=True)),
    "container": lambda container, _: container.read(),
}


def _document(id_: str, spec: ContainerSpec) -> dict[str, str]:
    return {"id": id_, spec.partition_key.strip("/"): "p", "commandId": id_}


def comes_back(work: Callable[[], object]) -> bool:
    """Whether a call ends, well or with an error of the SDK; anything else it raises fails the test."""
    errors: list[BaseException] = []

    def call() -> None:
        try:
            work()
        except AzureError:
            pass
        except BaseException as error:  # noqa: BLE001 - it is looked at below
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(_FOR_EVER)
    assert not errors, errors
    return not thread.is_alive()


@pytest.fixture
def client(cosmos: LocalCosmos) -> CosmosClient:
    """As the product opens it."""
    settings = CosmosSettings(endpoint=cosmos.endpoint, key=cosmos.key)
    return connect(settings, transport=cosmos.transport())


@pytest.mark.parametrize("spec", CONTAINERS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answers", [1, 2, 3, None], ids=["once", "twice", "thrice", "for ever"])
def test_a_call_that_meets_ranges_that_are_gone_ends_and_so_does_the_next(
    cosmos: LocalCosmos, client: CosmosClient, spec: ContainerSpec, call: str, answers: int | None
) -> None:
    create_containers(client, "tidemark")
    container = client.get_database_client("tidemark").get_container_client(spec.name)
    container.create_item(_document("a", spec))
    cosmos.faults.add(status=410, container=spec.name, count=answers)
    assert comes_back(lambda: CALLS[call](container, spec)), f"{call} of {spec.name} never comes back"
    cosmos.faults.clear()
    assert list(container.query_items("SELECT * FROM c", enable_cross_partition_query=True)) is not None
    container.upsert_item(_document("a", spec))


def test_a_thread_that_refreshes_is_refused_a_refresh_inside_its_own() -> None:
    lock = RefreshLock("events", patience=30.0)
    with lock:
        with pytest.raises(CosmosHttpResponseError) as refused, lock:
            pass
        assert refused.value.status_code == 410
    with lock:
        pass


def test_a_refresh_that_never_ends_does_not_keep_the_others_waiting_for_ever() -> None:
    lock = RefreshLock("events", patience=0.0)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    with pytest.raises(CosmosHttpResponseError) as refused, lock:
        pass
    assert refused.value.status_code == 503
    done.set()
    holder.join()
    with lock:
        pass


def test_every_container_has_one_lock_of_its_own() -> None:
    locks = _Locks(1.0)
    assert locks.of("events") is locks.of("events")
    assert locks.of("events") is not locks.of("views")


def test_the_sdk_is_the_one_that_the_lock_was_written_for(cosmos: LocalCosmos) -> None:
    """When this fails: see whether the SDK's own lock is re-entrant by now; if so, do without
    `eventstore.cosmos.routing`."""
    assert azure.cosmos.__version__ == SDK
    raw = cosmos.client().client_connection._routing_map_provider
    assert isinstance(raw, PartitionKeyRangeCache)
    assert type(raw._get_lock_for_collection("events")) is type(threading.Lock())
    bounded = bound_refreshes(cosmos.client()).client_connection._routing_map_provider
    assert type(bounded._get_lock_for_collection("events")) is RefreshLock
