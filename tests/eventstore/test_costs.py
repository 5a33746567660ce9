"""What commands cost, counted on the server: requests, and request units of its model."""

from typing import Any

import pytest
from azure.cosmos import ContainerProxy

from eventstore.commands.snapshots import Snapshots
from eventstore.commands.store import CommandStore
from eventstore.log.chain import genesis
from eventstore.log.documents import event_id, sealed
from eventstore.log.mapper import Mapper
from localazure.cosmos import LocalCosmos
from tests.eventstore.conftest import STREAM, NewStore, open_purse, pay_in, pay_out
from tests.eventstore.purse import AT, Purse, PurseSnapshot, fold

WARM_UNITS = 8
"""Request units of a warm command with one event."""


def requests(cosmos: LocalCosmos) -> list[tuple[str, str]]:
    """The requests on items since the last call; the SDK refreshes what it knows of the account at times of its own."""
    entries = [(entry.operation, entry.container) for entry in cosmos.log.filter() if entry.container]
    cosmos.log.clear()
    return entries


def seed(events: ContainerProxy, count: int) -> Purse:
    """A stream of `count` events with no regard to its chain, and the purse that they make."""
    purse = Purse.open(STREAM)
    opened = _document(purse, "seed-1")
    paid_in = _document(purse.pay_in(1), "seed-2")
    operations = [("create", (opened,))]
    for version in range(2, count + 1):
        document = paid_in | {"id": event_id(version), "version": version, "commandId": f"seed-{version}"}
        operations.append(("create", (document,)))
        if len(operations) == 100 or version == count:
            events.execute_item_batch(operations, STREAM)
            operations = []
    vars(purse).update(_version=count, balance=count - 1)
    return purse


def _document(purse: Purse, command_id: str) -> dict[str, Any]:
    stored = Mapper[str]().to_stored_event(purse.collect_events()[0])
    return sealed(
        event_id(stored.originator_version),
        stream=STREAM,
        version=stored.originator_version,
        type_name=stored.topic,
        schema=1,
        state=stored.state,
        meta={"id": command_id, "recorded_at": AT.isoformat()},
        command_id=command_id,
        prev=genesis(STREAM),
    )


@pytest.mark.parametrize("count", [10, 1_000, 100_000])
def test_a_command_costs_the_same_whatever_the_length_of_its_stream(
    count: int, new_store: NewStore, events: ContainerProxy, tables: Any, cosmos: LocalCosmos
) -> None:
    purse = seed(events, count)
    head = events.read_item(event_id(count), STREAM)["hash"]
    snapshots = Snapshots(tables.get_container_client("snapshots"), Mapper(), fold, PurseSnapshot)
    assert snapshots.write(STREAM, purse, head)
    pay_in(new_store(snapshot_every=1_000), 1, "behind the snapshot")

    store = new_store()
    requests(cosmos)
    assert pay_in(store, 1, "cold").version == count + 2
    assert requests(cosmos) == [("read", "snapshots"), ("query", "events"), ("create", "events")]

    assert pay_in(store, 1, "warm").version == count + 3
    (warm,) = cosmos.log.filter("create")
    assert requests(cosmos) == [("create", "events")]
    assert warm.charge <= WARM_UNITS


def test_a_warm_command_of_many_events_is_one_request(store: CommandStore, cosmos: LocalCosmos) -> None:
    open_purse(store)
    requests(cosmos)
    open_purse(store, balance=5, stream="purse-b")
    assert requests(cosmos) == [("read", "snapshots"), ("query", "events"), ("batch", "events")]


def test_a_repeated_command_costs_at_most_three_requests(
    store: CommandStore, other: CommandStore, cosmos: LocalCosmos
) -> None:
    open_purse(store)
    pay_in(store, 5, "key")
    requests(cosmos)
    assert pay_in(store, 5, "key").replayed
    assert requests(cosmos) == [("create", "events"), ("read", "snapshots"), ("query", "events")]
    assert pay_in(other, 5, "key").replayed
    assert requests(cosmos) == [("read", "snapshots"), ("query", "events")]


def test_a_conflict_costs_the_refused_append_and_a_cold_command(
    store: CommandStore, other: CommandStore, cosmos: LocalCosmos
) -> None:
    open_purse(store)
    pay_in(other, 1, "foreign")
    requests(cosmos)
    pay_in(store, 1, "key")
    cold = [("read", "snapshots"), ("query", "events"), ("create", "events")]
    assert requests(cosmos) == [("create", "events"), *cold]


def test_a_refusal_costs_three_requests_warm_and_five_cold(
    store: CommandStore, other: CommandStore, cosmos: LocalCosmos
) -> None:
    open_purse(store)
    requests(cosmos)
    pay_out(store, 3, "warm")
    fresh = [("batch", "events"), ("query", "events"), ("create", "events")]
    assert requests(cosmos) == fresh
    pay_out(other, 3, "cold")
    assert requests(cosmos) == [("read", "snapshots"), ("query", "events"), *fresh]


def test_a_snapshot_costs_one_request_every_so_many_events(new_store: NewStore, cosmos: LocalCosmos) -> None:
    store = new_store(snapshot_every=10)
    open_purse(store)
    requests(cosmos)
    for number in range(25):
        pay_in(store, 1, f"key-{number}")
    made = requests(cosmos)
    assert made.count(("upsert", "snapshots")) == 2
    assert len(made) == 27
