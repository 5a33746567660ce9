"""Snapshots save reading, and nothing else depends on them."""

import logging
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy

from eventstore.log.history import History
from localazure.cosmos import LocalCosmos
from tests.eventstore.conftest import STREAM, NewStore, open_purse, pay_in
from tests.eventstore.purse import PurseSnapshot


@pytest.fixture
def snapshots(tables: DatabaseProxy) -> ContainerProxy:
    return tables.get_container_client("snapshots")


def test_a_stream_has_one_snapshot_which_carries_the_chain_on(
    new_store: NewStore, snapshots: ContainerProxy, history: History
) -> None:
    store = new_store(snapshot_every=3)
    open_purse(store)
    for number in range(6):
        pay_in(store, 1, f"key-{number}")
    (document,) = list(snapshots.read_all_items())
    assert (document["id"], document["version"], document["type"]) == ("latest-1", 6, PurseSnapshot.TOPIC)
    assert document["head"] == list(history.stream(STREAM))[5].hash
    assert pay_in(new_store(), 1, "from the snapshot").answer == {"balance": 7}
    assert history.verify(STREAM).sound


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}, {"status": 429}], ids=str)
def test_a_failed_snapshot_fails_no_command_and_the_next_one_tries_again(
    fault: dict[str, Any],
    new_store: NewStore,
    cosmos: LocalCosmos,
    snapshots: ContainerProxy,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = new_store(snapshot_every=2)
    open_purse(store)
    cosmos.faults.add(**fault, operation="upsert", container="snapshots")
    with caplog.at_level(logging.ERROR, logger="eventstore.commands.snapshots"):
        assert pay_in(store, 1, "key").answer == {"balance": 1}
    assert "was not taken" in caplog.text
    assert list(snapshots.read_all_items()) == []
    cosmos.faults.clear()
    assert pay_in(store, 1, "next").answer == {"balance": 2}
    assert [document["version"] for document in snapshots.read_all_items()] == [3]


@pytest.mark.parametrize(
    "damage",
    [{"state": "{"}, {"type": "test.never-registered"}, {"enc": "zip"}, {"state": '{"topic":"test.purse"}'}],
    ids=["not JSON", "unknown type", "unknown encoding", "fields missing"],
)
def test_a_snapshot_that_cannot_be_read_is_left_aside(
    damage: dict[str, str], new_store: NewStore, snapshots: ContainerProxy, caplog: pytest.LogCaptureFixture
) -> None:
    store = new_store(snapshot_every=2)
    open_purse(store)
    pay_in(store, 1, "key")
    (document,) = list(snapshots.read_all_items())
    snapshots.replace_item(document["id"], document | damage)
    with caplog.at_level(logging.ERROR, logger="eventstore.commands.snapshots"):
        assert pay_in(new_store(), 1, "next").answer == {"balance": 2}
    assert "its events are read instead" in caplog.text


def test_without_a_snapshot_class_none_is_read_or_written(new_store: NewStore, cosmos: LocalCosmos) -> None:
    store = new_store(snapshot_class=None, snapshot_every=1)
    open_purse(store)
    pay_in(store, 1, "key")
    assert pay_in(new_store(snapshot_class=None), 1, "next").answer == {"balance": 2}
    assert cosmos.log.count("read", container="snapshots") == 0
    assert cosmos.log.count("upsert", container="snapshots") == 0


class _Large(PurseSnapshot):
    """A snapshot over 2 MB."""

    TOPIC = "test.purse.snapshot.large"

    @classmethod
    def take(cls, aggregate: Any) -> Any:
        taken = super().take(aggregate)
        taken.state["padding"] = "x" * 2_100_000
        return taken


def test_a_snapshot_that_can_never_be_written_is_not_tried_with_each_command(
    new_store: NewStore, cosmos: LocalCosmos, caplog: pytest.LogCaptureFixture
) -> None:
    store = new_store(snapshot_class=_Large, snapshot_every=3)
    with caplog.at_level(logging.ERROR, logger="eventstore.commands.snapshots"):
        open_purse(store)
        for number in range(8):
            pay_in(store, 1, f"key-{number}")
    assert [each.getMessage() for each in caplog.records] == [
        "snapshot of stream purse-a cannot be taken; its events are read instead, and it is tried again much later"
    ] * 3
    assert cosmos.log.count("upsert", container="snapshots") == 0
    assert pay_in(new_store(snapshot_class=_Large), 1, "cold").answer == {"balance": 9}


@pytest.mark.parametrize("version", ["a/b", "x" * 1_100])
def test_a_snapshot_whose_name_cosmos_db_does_not_take_fails_no_command(
    new_store: NewStore, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Misnamed(PurseSnapshot):
        TOPIC = "test.purse.snapshot.misnamed"
        version_of = staticmethod(lambda _: version)  # type: ignore[assignment]

    store = new_store(snapshot_class=Misnamed, snapshot_every=1)
    with caplog.at_level(logging.ERROR, logger="eventstore.commands.snapshots"):
        open_purse(store)
    assert "cannot be taken" in caplog.text
