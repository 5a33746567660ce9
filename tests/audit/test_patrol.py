"""The log verified by visits that end early, and go on where the last one stopped."""

import logging
import threading
from collections.abc import Iterator
from itertools import count

import pytest
from azure.cosmos import ContainerProxy, CosmosClient

from audit.verification import patrol as patrolling
from audit.verification.patrol import CONSUMER, Patrol, Place
from eventstore.errors import UnknownEventType
from eventstore.log import history
from projectors.container import Container
from projectors.throughput.meter import Meter
from tests.audit.bank import Bank

ALICE = "account-alice"


@pytest.fixture
def leases(client: CosmosClient, database: str) -> Container:
    container = client.get_database_client(database).get_container_client("leases")
    return Container(container, meter=Meter(), stop=threading.Event())


def patrol(bank: Bank, leases: Container, ticks: Iterator[int] | None = None) -> Patrol:
    """Each look at the clock is a second later."""
    ticks = ticks or count()
    return Patrol(
        bank.log,
        leases,
        snapshot_fault=bank.store.snapshot_fault,
        clock=lambda: float(next(ticks)),
    )


def rounds(bank: Bank, leases: Container, seconds: float) -> list[Place]:
    """Visits until a round is whole, each by another process."""
    visits = []
    while not visits or not visits[-1].whole:
        visits.append(patrol(bank, leases).visit(seconds, names=2))
        assert len(visits) < 100
    return visits


def test_one_visit_with_time_enough_verifies_all_streams(bank: Bank, leases: Container) -> None:
    place = patrol(bank, leases).visit(1_000)
    assert (place.whole, place.streams, place.bad) == (True, 3, 0)


def test_visits_that_end_early_make_a_round_together(
    bank: Bank, leases: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 2)
    monkeypatch.setattr(patrolling, "_JOBS", 1)  # several would look at the clock in any order
    visits = rounds(bank, leases, seconds=5)
    assert len(visits) >= 3
    assert any(place.inside == ALICE and place.version for place in visits), "a long stream is gone on with inside"
    assert (visits[-1].streams, visits[-1].bad) == (3, 0)
    assert patrol(bank, leases).visit(1_000).streams == 3, "the next round begins at the first stream"


@pytest.mark.parametrize("version", [1, 2, 5])
def test_an_altered_event_is_found_wherever_a_visit_ended(
    bank: Bank,
    leases: Container,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    version: int,
) -> None:
    monkeypatch.setattr(history, "PAGE", 2)
    monkeypatch.setattr(patrolling, "_JOBS", 1)  # several would look at the clock in any order
    bank.alter(ALICE, version, state="{}")
    with caplog.at_level(logging.ERROR, "tidemark.audit"):
        visits = rounds(bank, leases, seconds=5)
    assert (visits[-1].streams, visits[-1].bad) == (3, 1)
    (line,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert vars(line)["audit"] == {
        "stream": ALICE,
        "document": f"{version:010d}",
        "problem": "its content does not fit its hash",
    }


def test_of_two_visits_at_once_one_gives_up(bank: Bank, leases: Container, caplog: pytest.LogCaptureFixture) -> None:
    first = patrol(bank, leases)
    seen = first._leases.read("place", CONSUMER)
    assert seen is None
    calls = iter([None])  # the other visit comes after this one has read its place

    class Late(Container):
        def create(self, document: dict[str, object]) -> str:
            if next(calls, "again") is None:
                patrol(bank, leases).visit(1_000)
            return super().create(document)

    late = Late(leases.container, meter=Meter(), stop=threading.Event())
    with caplog.at_level(logging.WARNING, "tidemark.audit"):
        ticks = iter(range(1_000)).__next__
        Patrol(bank.log, late, snapshot_fault=bank.store.snapshot_fault, clock=ticks).visit(1_000)
    assert "another visit has kept its place" in caplog.text
    assert patrol(bank, leases).visit(1_000).streams == 3


@pytest.fixture
def snapshots(client: CosmosClient, database: str, bank: Bank) -> ContainerProxy:
    """One snapshot, of an account with more than fifty events."""
    for amount in range(1, 60):
        bank.deposit("alice", amount)
    return client.get_database_client(database).get_container_client("snapshots")


def visited(bank: Bank, leases: Container, caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Level and text of what one visit says of streams."""
    with caplog.at_level(logging.WARNING, "tidemark.audit"):
        assert patrol(bank, leases).visit(1_000).whole
    return [(each.levelname, each.getMessage()) for each in caplog.records]


def test_a_snapshot_that_is_the_fold_of_its_events_is_nothing_to_speak_of(
    bank: Bank, leases: Container, snapshots: ContainerProxy, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(list(snapshots.read_all_items())) == 1
    assert visited(bank, leases, caplog) == []


@pytest.mark.parametrize(
    ("field", "old", "new", "problem"),
    [
        ("state", '"balance":', '"balance":1', "is not the fold of its events"),
        ("head", "", "0", "is not in the log"),
    ],
)
def test_a_snapshot_that_is_not_is_an_error_with_its_mend(
    bank: Bank,
    leases: Container,
    snapshots: ContainerProxy,
    caplog: pytest.LogCaptureFixture,
    field: str,
    old: str,
    new: str,
    problem: str,
) -> None:
    (document,) = snapshots.read_all_items()
    snapshots.replace_item(document["id"], document | {field: document[field].replace(old, new, 1)})
    ((level, text),) = visited(bank, leases, caplog)
    assert (level, text.startswith(f"stream {ALICE}: ")) == ("ERROR", True)
    assert problem in text
    assert "raise class_version" in text


def test_a_stream_that_this_program_cannot_read_is_said_and_the_round_goes_on(
    bank: Bank, leases: Container, snapshots: ContainerProxy, caplog: pytest.LogCaptureFixture
) -> None:
    def unreadable(_: str) -> None:
        raise UnknownEventType(ALICE, 3, "account.of-tomorrow")

    with caplog.at_level(logging.WARNING, "tidemark.audit"):
        assert Patrol(bank.log, leases, snapshot_fault=unreadable).visit(1_000).whole
    assert "cannot be folded: event 3 of stream account-alice has type" in caplog.text
