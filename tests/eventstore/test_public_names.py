"""The names that users of the eventsourcing library write into settings and programs."""

from uuid import UUID

import pytest
from eventsourcing.utils import resolve_topic

import eventstore
import eventstore.commands
from eventstore.log.history import History
from localazure.cosmos import LocalCosmos, RunningServer
from tests.eventstore.test_application import DogSchool


def test_the_names_are_these() -> None:
    assert set(eventstore.__all__) == {"Command", "Factory", "Mapper", "PlainTranscoder"}
    assert set(eventstore.commands.__all__) == {"Command", "CommandStore", "Outcome", "Refusal"}
    assert eventstore.Command is eventstore.commands.Command


@pytest.mark.parametrize("name", ["Mapper", "PlainTranscoder"])
def test_a_class_that_a_setting_names_is_found_at_the_top(name: str) -> None:
    assert resolve_topic(f"eventstore:{name}") is getattr(eventstore, name)


def test_the_mapper_by_its_topic_stores_plain_json(server: RunningServer, cosmos: LocalCosmos) -> None:
    settings = {
        "PERSISTENCE_MODULE": "eventstore",
        "COSMOS_ENDPOINT": server.endpoint,
        "MAPPER_TOPIC": "eventstore:Mapper",
        "TRANSCODER_TOPIC": "eventstore:PlainTranscoder",
    }
    with DogSchool(settings) as school:
        fido: UUID = school.register_dog("Fido")
        school.add_trick(fido, "sit")
        assert school.get_dog(fido) == {"name": "Fido", "tricks": ("sit",)}
    history = History(cosmos.client().get_database_client("tidemark").get_container_client("events"))
    registered, _ = history.stream(str(fido))
    assert registered.enc == "json"
    assert b'"name":"Fido"' in registered.state
    assert b"_type_" not in registered.state
