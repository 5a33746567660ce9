"""An application of the eventsourcing library as its tutorial writes them, unchanged, on Cosmos DB over HTTP."""

from typing import Any
from uuid import UUID

import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError

from eventstore.commands.store import Command
from eventstore.errors import VersionConflict
from eventstore.log.history import History
from localazure.cosmos import LocalCosmos, RunningServer


class Dog(Aggregate):
    @event("Registered")
    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks: list[str] = []

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)


class DogSchool(Application[UUID]):
    is_snapshotting_enabled = True
    snapshotting_intervals = {Dog: 4}  # noqa: RUF012 - as the library declares it

    def register_dog(self, name: str) -> UUID:
        dog = Dog(name)
        self.save(dog)
        return dog.id

    def add_trick(self, dog_id: UUID, trick: str, **options: Any) -> None:
        dog: Dog = self.repository.get(dog_id)
        dog.add_trick(trick)
        self.save(dog, **options)

    def get_dog(self, dog_id: UUID) -> dict[str, Any]:
        dog: Dog = self.repository.get(dog_id)
        return {"name": dog.name, "tricks": tuple(dog.tricks)}


@pytest.fixture
def environment(server: RunningServer) -> dict[str, str]:
    return {"PERSISTENCE_MODULE": "eventstore", "COSMOS_ENDPOINT": server.endpoint}


def history(cosmos: LocalCosmos) -> History:
    return History(cosmos.client().get_database_client("tidemark").get_container_client("events"))


def test_an_application_runs_on_cosmos_db_by_its_settings_alone(
    environment: dict[str, str], cosmos: LocalCosmos
) -> None:
    with DogSchool(environment) as school:
        fido = school.register_dog("Fido")
        for trick in ("roll over", "play dead", "fetch ball", "sit"):
            school.add_trick(fido, trick)
    with DogSchool(environment) as school:
        tricks = ("roll over", "play dead", "fetch ball", "sit")
        assert school.get_dog(fido) == {"name": "Fido", "tricks": tricks}
        dog: Dog = school.repository.get(fido, version=2)
        assert dog.tricks == ["roll over"]
        with pytest.raises(AggregateNotFoundError):
            school.get_dog(UUID(int=1))
    assert cosmos.log.count("create", container="snapshots") == 1
    verified = history(cosmos).verify(str(fido))
    assert (verified.sound, verified.events) == (True, 5)


@pytest.mark.parametrize(
    "settings",
    [
        {"COMPRESSOR_TOPIC": "zlib"},
        {"CIPHER_TOPIC": "eventsourcing.cipher:AESCipher", "CIPHER_KEY": "VBAy+YRMyc0w96vcYzFCeWsM1A0+ZTvi"},
        {"COMPRESSOR_TOPIC": "zlib", "CIPHER_KEY": "VBAy+YRMyc0w96vcYzFCeWsM1A0+ZTvi"},
    ],
    ids=["compressed", "encrypted", "both"],
)
def test_compression_and_encryption_by_the_librarys_settings(
    settings: dict[str, str], environment: dict[str, str], cosmos: LocalCosmos
) -> None:
    with DogSchool(environment | settings) as school:
        fido = school.register_dog("Fido")
        for trick in ("roll over", "play dead", "fetch ball", "sit"):
            school.add_trick(fido, trick)
        assert school.get_dog(fido)["tricks"][-1] == "sit"
    events = list(history(cosmos).stream(str(fido)))
    assert {each.enc for each in events} == {"base64"}
    assert all(b"Fido" not in each.state for each in events)
    assert history(cosmos).verify(str(fido)).sound


def test_a_save_with_a_command_happens_once_and_keeps_its_metadata(
    environment: dict[str, str], cosmos: LocalCosmos
) -> None:
    with DogSchool(environment) as school:
        fido = school.register_dog("Fido")
        command = Command("key", "fetch", {"actor": "trainer"})
        school.add_trick(fido, "fetch", command=command)
        with pytest.raises(IntegrityError):
            school.add_trick(fido, "fetch", command=command)
        assert school.get_dog(fido)["tricks"] == ("fetch",)
    event_of_command = list(history(cosmos).stream(str(fido)))[1]
    assert (event_of_command.command_id, event_of_command.meta["actor"]) == ("key", "trainer")


def test_two_writers_of_one_version_conflict_and_the_loser_goes_on(environment: dict[str, str]) -> None:
    with DogSchool(environment) as left, DogSchool(environment) as right:
        fido = left.register_dog("Fido")
        dog: Dog = left.repository.get(fido)
        dog.add_trick("fetch")
        right.add_trick(fido, "sit")
        with pytest.raises(VersionConflict, match="version 2 of stream"):
            left.save(dog)
        left.add_trick(fido, "fetch")
        assert right.get_dog(fido)["tricks"] == ("sit", "fetch")


@pytest.mark.parametrize("container", ["events", "snapshots"])
def test_a_save_whose_answer_was_lost_succeeds(
    container: str, environment: dict[str, str], cosmos: LocalCosmos
) -> None:
    with DogSchool(environment) as school:
        fido = school.register_dog("Fido")
        cosmos.faults.add(lose_answer=True, operation="create", container=container, count=1)
        for trick in ("roll over", "play dead", "fetch ball", "sit"):
            school.add_trick(fido, trick)
        assert len(school.get_dog(fido)["tricks"]) == 4
    assert history(cosmos).verify(str(fido)).sound


@pytest.mark.parametrize("container", ["events", "snapshots"])
def test_a_save_that_the_sdk_sent_twice_by_itself_succeeds(
    container: str, environment: dict[str, str], cosmos: LocalCosmos
) -> None:
    """Some answers make the SDK send a write again, and all that is seen of it is a conflict with oneself."""
    with DogSchool(environment) as school:
        fido = school.register_dog("Fido")
        fault = cosmos.faults.add(lose_answer=True, status=503, operation="create", container=container, count=1)
        for trick in ("roll over", "play dead", "fetch ball", "sit"):
            school.add_trick(fido, trick)
        assert fault.fired == 1
        assert cosmos.log.count("create", container=container, status=409) == 1
        assert len(school.get_dog(fido)["tricks"]) == 4
    assert history(cosmos).verify(str(fido)).sound


def test_a_failed_snapshot_fails_no_save(
    environment: dict[str, str], cosmos: LocalCosmos, caplog: pytest.LogCaptureFixture
) -> None:
    with DogSchool(environment) as school:
        fido = school.register_dog("Fido")
        cosmos.faults.add(status=429, retry_after_ms=1, operation="create", container="snapshots")
        for trick in ("roll over", "play dead", "fetch ball", "sit"):
            school.add_trick(fido, trick)
        assert len(school.get_dog(fido)["tricks"]) == 4
    assert "its events are all there" in caplog.text
