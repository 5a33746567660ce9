"""Events outlive the classes that wrote them: stored data of every older schema is read by today's class.

fixtures/evolution.json holds documents as they were written by each schema of the class, byte for byte. They are never
written again; a new schema adds its own.
"""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from azure.cosmos import ContainerProxy
from eventsourcing.domain import BaseAggregate, CanInitAggregate
from eventsourcing.utils import register_topic

from eventstore.commands.store import Command
from eventstore.errors import UnknownEventType, UnknownSchema
from eventstore.log.documents import RecordedEvent
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from tests.eventstore.conftest import NewStore
from tests.eventstore.purse import AT, PurseEvent

STREAM = "member-ada"
FIXTURES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "fixtures" / "evolution.json").read_text())


class Member(BaseAggregate[str]):
    """Schema 1 had `name`; schema 2 split it; schema 3 has a language, "en" where nobody was asked."""

    TOPIC = "test.member"

    class Event(PurseEvent):
        pass

    class Joined(CanInitAggregate[str], Event):
        TOPIC = "test.member.joined"
        class_version: ClassVar[int] = 3
        originator_topic: str
        first_name: str
        last_name: str
        language: str

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["first_name"], _, state["last_name"] = state.pop("name").partition(" ")

        @staticmethod
        def upcast_v2_v3(state: dict[str, Any]) -> None:
            state["language"] = "en"

    class Renamed(Event):
        TOPIC = "test.member.renamed"
        last_name: str

        def apply(self, member: "Member") -> None:
            member.last_name = self.last_name

    first_name: str
    last_name: str
    language: str


register_topic("test.member.married", Member.Renamed)
"""What `Renamed` was called when the first ones were stored."""


@pytest.fixture
def stored(events: ContainerProxy) -> list[dict[str, Any]]:
    for document in FIXTURES:
        events.create_item(document)
    return FIXTURES


@pytest.mark.parametrize(
    ("stream", "language"), [("member-v1", "en"), ("member-v2", "en"), ("member-v3", "fr")], ids=["v1", "v2", "v3"]
)
def test_an_event_of_every_older_schema_is_read(
    stream: str, language: str, stored: list[dict[str, Any]], history: History
) -> None:
    joined = next(history.stream(stream))
    assert joined.schema == int(stream[-1])
    event = Mapper[str]().domain_event(joined)
    assert (event.first_name, event.last_name, event.language) == ("Ada", "Byron", language)
    assert event.timestamp == AT


@pytest.mark.parametrize("stream", ["member-v1", "member-v2", "member-v3"])
def test_commands_go_on_where_older_schemas_stopped(
    stream: str, stored: list[dict[str, Any]], new_store: NewStore, history: History
) -> None:
    def rename(member: Any) -> Any:
        member.trigger_event(Member.Renamed, last_name="Lovelace", timestamp=AT)
        return member

    outcome = new_store(snapshot_class=None).execute(stream, Command("new", "f"), rename)
    assert outcome.version == len(list(history.documents(stream))) == 3
    assert new_store(snapshot_class=None).load(stream).last_name == "Lovelace"
    assert history.verify(stream).sound


def test_a_renamed_type_is_read_under_its_old_name(stored: list[dict[str, Any]], history: History) -> None:
    old, new = list(history.stream("member-v1"))[1], list(history.stream("member-v3"))[1]
    assert (old.type, new.type) == ("test.member.married", "test.member.renamed")
    assert type(Mapper[str]().domain_event(old)) is type(Mapper[str]().domain_event(new)) is Member.Renamed


def test_the_stored_schema_is_that_of_the_class(new_store: NewStore, history: History) -> None:
    def join(_: Any) -> Member:
        return Member._create(
            Member.Joined, id=STREAM, first_name="Ada", last_name="Byron", language="fr", timestamp=AT
        )

    new_store(snapshot_class=None).execute(STREAM, Command("join", "f"), join)
    (joined,) = history.stream(STREAM)
    assert (joined.type, joined.schema) == ("test.member.joined", 3)


def test_what_this_program_does_not_know_is_named_with_stream_and_version() -> None:
    newest = RecordedEvent.from_document(FIXTURES[-2])
    state = newest.state.replace(b'"class_version":3', b'"class_version":4')
    future = RecordedEvent(newest.stream, 9, newest.type, 4, state, "json", {}, "key", "", "")
    with pytest.raises(UnknownSchema, match=r"event 9 of stream member-v3 .* has schema 4, .* up to 3"):
        Mapper[str]().domain_event(future)
    foreign = RecordedEvent(newest.stream, 9, "test.member.left", 1, b"{}", "json", {}, "key", "", "")
    with pytest.raises(UnknownEventType, match=r"event 9 of stream member-v3 has type 'test.member.left'"):
        Mapper[str]().domain_event(foreign)
