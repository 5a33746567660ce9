"""Names are refused where they enter the store, before anything is sent; one that is taken is fit for all else."""

import re
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy
from eventsourcing.persistence import StoredEvent, Tracking
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore.commands.store import CommandStore
from eventstore.cosmos.containers import EVENTS, LEASES, SNAPSHOTS, VIEWS
from eventstore.errors import CommandInvalid, NameInvalid
from eventstore.library.recorder import CosmosAggregateRecorder
from eventstore.library.snapshot_recorder import CosmosSnapshotRecorder
from eventstore.library.tracking import CosmosTrackingRecorder
from eventstore.log.limits import MAX_COMMAND_ID, MAX_ID, MAX_PARTITION_KEY, check_id, check_partition_key, check_stream
from eventstore.log.outcomes import Command
from localazure.amqp.message import _partition_key as hub_key
from localazure.cosmos import LocalCosmos
from tests.eventstore.conftest import open_purse

WRONG = {
    "slash": ("purse-a/b", "'/'"),
    "backslash": ("purse-a\\b", r"'\\'"),
    "number sign": ("purse-a#b", "'#'"),
    "question mark": ("purse-a?b", "'?'"),
    "newline": ("purse-a\n", r"'\n'"),
    "control of latin-1": ("purse-\x85", r"'\x85'"),
    "half a character": ("purse-\ud800", r"'\ud800'"),
    "space at the end": ("purse-a ", "ends with a space"),
    "empty": ("", "is empty"),
    "129 letters": ("k" * 129, "has 129 bytes"),
    "65 letters of two bytes": ("é" * 65, "has 130 bytes"),
}


@pytest.mark.parametrize(("name", "why"), WRONG.values(), ids=WRONG)
def test_a_name_that_no_stream_can_have_is_refused_before_anything_is_sent(
    store: CommandStore, tables: DatabaseProxy, cosmos: LocalCosmos, name: str, why: str
) -> None:
    events, snapshots = (tables.get_container_client(each.name) for each in (EVENTS, SNAPSHOTS))
    cosmos.log.clear()
    with pytest.raises(NameInvalid, match=re.escape(why)):
        open_purse(store, stream=name)
    with pytest.raises(NameInvalid, match="choose another name"):
        CosmosAggregateRecorder(events).insert_events([StoredEvent(name, 1, "type", b"{}")])
    with pytest.raises(NameInvalid, match="1 to 128 bytes"):
        CosmosSnapshotRecorder(snapshots).insert_events([StoredEvent(name, 1, "type", b"{}")])
    assert not [entry for entry in cosmos.log.filter() if entry.container]


@pytest.mark.parametrize("name", ["é" * 1100, "half \ud800"])
def test_an_application_whose_positions_have_no_partition_is_refused(tables: DatabaseProxy, name: str) -> None:
    positions = CosmosTrackingRecorder(tables.get_container_client(LEASES.name))
    with pytest.raises(NameInvalid, match="tracking position of 'tracking:"):
        positions.insert_tracking(Tracking(name, 1))


@pytest.mark.parametrize("name", ["", "a/b", "a\tb", "a\x7f", "\udfff", "k" * (MAX_COMMAND_ID + 1)])
def test_an_id_that_no_command_can_have_is_refused(name: str) -> None:
    with pytest.raises(CommandInvalid, match="1 to 512 characters"):
        Command(name, "f")


NAMES = st.text(st.characters(), min_size=1, max_size=140) | st.text("kéß€😀 /#", min_size=1, max_size=1100)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=NAMES)
def test_a_stream_that_is_taken_has_a_name_for_every_document_and_for_the_hub(tables: DatabaseProxy, name: str) -> None:
    try:
        check_stream(name)
    except NameInvalid:
        return
    check_id(f"~{name}")
    check_partition_key(f"{'v' * 255}@{10**10}:{name}")
    assert hub_key(name) == name
    _kept(tables.get_container_client(VIEWS.name), {"id": f"~{name}", "pk": f"view@1:{name}"})


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=NAMES)
def test_an_id_that_is_taken_is_one_that_cosmos_db_keeps(tables: DatabaseProxy, name: str) -> None:
    try:
        check_id(name)
    except NameInvalid:
        return
    _kept(tables.get_container_client(VIEWS.name), {"id": name, "pk": "p"})


def test_the_lengths_are_bytes_and_the_longest_are_taken() -> None:
    for name, most, check in [("é", MAX_ID, check_id), ("é", MAX_PARTITION_KEY, check_partition_key)]:
        check(name * (most // 2))  # type: ignore[operator]
        with pytest.raises(NameInvalid, match=f"has {most // 2 * 2 + 2} bytes"):
            check(name * (most // 2 + 1))  # type: ignore[operator]
    longest = Command("😀" * 250, "f").id
    assert len(f"-{longest}/99".encode()) <= MAX_ID


def _kept(container: ContainerProxy, document: dict[str, Any]) -> None:
    container.upsert_item(document)
    assert container.read_item(document["id"], document["pk"])["id"] == document["id"]
    container.delete_item(document["id"], document["pk"])
