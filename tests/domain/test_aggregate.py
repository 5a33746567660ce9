"""What all aggregates share: folding, snapshots, personal fields, and the library's own application."""

import json
import subprocess
import sys
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from eventsourcing import utils
from eventsourcing.application import Application
from eventsourcing.domain import CanMutateAggregate, OriginatorIDError, OriginatorVersionError
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Transcoder, Transcoding
from eventsourcing.utils import get_topic, resolve_topic

import domain
from domain.aggregate import Aggregate, DomainEvent, state_version
from domain.ledger import Account, Snapshot, Transfer, fold, personal_fields
from domain.state import from_json, to_json
from tests.ledger.domain.scenario import NOON, credited, debited, given, held, limited, opened

ROOT = Path(__file__).parents[2]

EVENTS = [
    event
    for aggregate in (Account, Transfer)
    for event in vars(aggregate).values()
    if isinstance(event, type) and issubclass(event, CanMutateAggregate) and event.__name__ != "Event"
]


def test_folding_no_events_gives_nothing() -> None:
    assert fold(None, []) is None


def test_folding_goes_on_from_where_it_stopped() -> None:
    events = given(opened(), credited(500), debited(200)).events
    assert fold(fold(None, events[:2]), events[2:]) == fold(None, events)


def test_an_event_out_of_order_is_not_folded() -> None:
    events = given(opened(), credited(500), debited(200)).events
    with pytest.raises(OriginatorVersionError):
        fold(None, [events[0], events[2]])


def test_an_event_of_another_stream_is_not_folded() -> None:
    other = given(opened(), credited(500), stream="account-bob").events
    with pytest.raises(OriginatorIDError):
        fold(given(opened()).aggregate, other[1:])


def test_an_aggregate_goes_on_from_its_snapshot() -> None:
    expiring = held(1, 100, expires_at=NOON + timedelta(days=1))
    before = given(opened(), credited(500), expiring, held(2, 50, transfer_id="t1"), limited(1000, 2000))
    snapshot = Snapshot.take(before.aggregate)
    assert json.loads(json.dumps(snapshot.state)) == snapshot.state
    assert (snapshot.originator_id, snapshot.originator_version, snapshot.timestamp) == ("account-alice", 5, NOON)
    later = debited(200).on("account-alice", 6)
    assert fold(None, [snapshot, later]) == fold(None, [*before.events, later])


def test_a_snapshot_shares_nothing_with_its_aggregate() -> None:
    account = given(opened(), credited(500), held(1, 100)).aggregate
    snapshot = Snapshot.take(account)
    account.release_hold(1, at=NOON)
    assert fold(None, [snapshot]) == given(opened(), credited(500), held(1, 100)).aggregate


@pytest.mark.parametrize("version", [0, 2])
def test_a_snapshot_of_another_class_version_is_refused(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    snapshot = Snapshot.take(given(opened()).aggregate)
    monkeypatch.setattr(Account, "class_version", version)
    with pytest.raises(ValueError, match=f"of account, version 1, and this program folds version {version}"):
        fold(None, [snapshot])


def test_the_version_of_a_state_is_the_same_in_every_process() -> None:
    streams = ["account-a", "transfer-a", "parcel-a"]
    code = f"from domain.ledger import Snapshot; print(*map(Snapshot.version_of, {streams}))"
    seen = {
        subprocess.check_output([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, cwd=ROOT) for seed in "12"
    }
    (one,) = seen
    assert len(set(one.split())) == 3
    assert one.startswith(Snapshot.version_of("account-a").encode())


@dataclass
class Slot:
    number: int = 0


@dataclass
class WiderSlot:
    number: int = 0
    width: int = 1


class Kind(StrEnum):
    SMALL = "small"


class MoreKinds(StrEnum):
    SMALL = "small"
    LARGE = "large"


def shelf(
    *,
    slot: type = Slot,
    kind: type = Kind,
    event: dict[str, type] | None = None,
    schema: int = 1,
    version: int = 1,
    weight: int | None = None,
    emptied: bool = False,
) -> str:
    """The version of a small state with something changed."""
    filled = {"TOPIC": "shelf.filled", "__annotations__": event or {"amount": int}, "class_version": schema}
    declared: dict[str, Any] = {"slots": dict[int, slot], "kind": kind | None}  # type: ignore[valid-type]
    body: dict[str, Any] = {
        "TOPIC": "shelf",
        "Event": DomainEvent,
        "slots": None,
        "kind": None,
        "class_version": version,
    }
    with pytest.MonkeyPatch.context() as patch:  # each has the same names as the others
        for cache in ("_topic_cache", "_type_cache"):
            patch.setattr(utils, cache, dict(getattr(utils, cache)))
        body["Filled"] = type("Filled", (DomainEvent,), filled)
        if emptied:
            body["Emptied"] = type("Emptied", (DomainEvent,), {"TOPIC": "shelf.emptied", "__annotations__": {}})
        if weight is not None:
            body["weight"], declared["weight"] = weight, int
        return state_version(type("Shelf", (Aggregate,), body | {"__annotations__": declared}))


@pytest.mark.parametrize(
    "changed",
    [
        {"weight": 0},
        {"emptied": True},
        {"slot": WiderSlot},
        {"kind": MoreKinds},
        {"event": {"amount": int, "place": str}},
        {"schema": 2},
        {"version": 2},
    ],
    ids=["field", "event", "field of a value", "value of an enum", "field of an event", "schema", "class_version"],
)
def test_what_a_state_depends_on_is_in_its_version(changed: dict[str, Any]) -> None:
    assert shelf() == shelf()
    assert shelf(**changed) != shelf()


def test_the_default_of_a_field_is_in_the_version_of_its_state() -> None:
    assert shelf(weight=0) != shelf(weight=1)


@pytest.mark.parametrize("event_class", EVENTS, ids=lambda event_class: event_class.__qualname__)
def test_every_event_is_stored_under_a_name_that_is_no_path(event_class: type[Any]) -> None:
    topic = get_topic(event_class)
    assert topic.startswith(("account.", "transfer."))
    assert resolve_topic(topic) is event_class


@pytest.mark.parametrize("event_class", EVENTS, ids=lambda event_class: event_class.__qualname__)
def test_every_field_of_an_event_is_json_or_a_date(event_class: type[Any]) -> None:
    native = {"str", "int", "bool", "datetime", "date", "None"}
    for each in fields(event_class):
        assert set(str(getattr(each.type, "__name__", each.type)).split(" | ")) <= native


def test_personal_fields_are_marked() -> None:
    personal = {event.__qualname__: personal_fields(event) for event in EVENTS if personal_fields(event)}
    assert personal == {
        "Account.Opened": {"name"},
        "Account.FundsCredited": {"reference"},
        "Account.FundsDebited": {"reference"},
        "Account.HoldPlaced": {"reference"},
        "Account.Frozen": {"reason"},
        "Account.Unfrozen": {"reason"},
        "Account.Closed": {"reason"},
        "Transfer.Requested": {"reference", "reason"},
    }


class Colour(StrEnum):
    RED = "red"


@dataclass
class Everything:
    text: str
    number: int
    flag: bool
    colour: Colour
    day: date
    time: datetime | None
    nested: "dict[int, Everything]"


def test_declared_state_survives_json() -> None:
    inner = Everything("", 0, False, Colour.RED, NOON.date(), None, {})
    outer = Everything("ä", 2**53 - 1, True, Colour.RED, NOON.date(), NOON, {7: inner})
    restored = from_json(Everything, json.loads(json.dumps(to_json(outer))))
    assert restored == outer
    assert (type(restored.colour), type(restored.day), type(restored.flag)) == (Colour, date, bool)


class DateAsISO(Transcoding):
    type = date
    name = "date"

    def encode(self, obj: date) -> str:
        return obj.isoformat()

    def decode(self, data: str) -> date:
        return date.fromisoformat(data)


class Bank(Application[str]):
    snapshotting_intervals = {Account: 3}  # noqa: RUF012 - the library's own setting
    snapshotting_projectors = {Account: fold}  # noqa: RUF012
    snapshot_class = Snapshot

    def register_transcodings(self, transcoder: Transcoder) -> None:
        for transcoding in (DatetimeAsISO(), DateAsISO()):
            transcoder.register(transcoding)


def test_the_ledger_runs_in_an_application_of_the_library() -> None:
    assert isinstance(Bank().mapper.transcoder, JSONTranscoder)
    bank = Bank()
    alice = Account.open("alice", asset="EUR/2", owner="subject-1", at=NOON)
    alice.deposit(500, effective_date=NOON.date(), at=NOON)
    bank.save(alice)
    alice.place_hold(100, expires_at=NOON + timedelta(days=1), at=NOON)
    bank.save(alice)
    transfer = Transfer.request("t1", source="alice", target="bob", amount=5, asset="EUR/2", at=NOON)
    bank.save(transfer)
    assert bank.repository.get("account-alice", projector_func=fold) == alice
    assert bank.repository.get("account-alice") == alice
    assert bank.repository.get("transfer-t1") == transfer
    assert [type(snapshot) for snapshot in bank.snapshots.get("account-alice")] == [Snapshot]


def test_the_face_of_the_ledger_names_what_it_shows() -> None:
    assert all(hasattr(domain, name) for name in domain.__all__)
