"""Nothing about a person is stored readable, and nothing about a person is readable once they are forgotten."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from azure.cosmos import CosmosClient
from typer.testing import CliRunner

from audit.erasure import forget
from audit.errors import UnknownSubject
from cli.audit.forget import forget_command
from domain.ledger import Account, DomainError, Snapshot, account_stream, fold, personal_fields
from eventstore.commands.store import Command, CommandStore
from eventstore.cosmos.containers import CONTAINERS, EVENTS, create_containers
from eventstore.environment import load
from eventstore.errors import EventNotStorable
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from eventstore.log.verification import verify
from eventstore.personal import ERASED, MemoryKey, PersonalData, ReadableFields, SubjectKeys
from functions.composition import build_consumers, build_services, build_store
from functions.hosting import local
from functions.http.dependencies import Dependencies
from functions.settings import Settings
from localazure.cosmos import LocalCosmos, serve
from projectors.ledger import VIEWS
from service import SERVICE
from tests.support.asgi import AsgiThread

SECRETS = (
    "Alice Liddell",
    "rent of Wonderland Lane 7",
    "doctor Hatter",
    "she was arrested",
    "tea for two",
    "wrong queen",
)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATABASE = "tidemark"


class House:
    """The service over a data folder, and one story in it that is full of personal texts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cosmos = LocalCosmos(folder)
        self.client: CosmosClient = self.cosmos.client()
        create_containers(self.client, DATABASE, VIEWS.indexed)
        self.master = MemoryKey()
        self.services = self.process()
        self.worker = build_consumers(SERVICE, self.client, DATABASE, store=self.services.store).worker

    def process(self) -> Dependencies:
        settings = load(Settings, auth="none")
        services = build_services(SERVICE, settings, self.client, DATABASE, master=self.master)
        return replace(services, clock=lambda: NOON)

    def api(self) -> httpx.Client:
        """The API of another process."""
        return httpx.Client(
            transport=AsgiThread(local.create_app(SERVICE, self.process())), base_url="http://localhost"
        )

    def history(self) -> History:
        return History(self.client.get_database_client(DATABASE).get_container_client(EVENTS.name))

    def forget(self) -> None:
        forget(self.client, DATABASE, "alice-1", actor="support", reason="request 4711", at=NOON)

    def files(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())

    def documents(self) -> str:
        tables = self.client.get_database_client(DATABASE)
        return str([list(tables.get_container_client(spec.name).read_all_items()) for spec in CONTAINERS])


def post(api: httpx.Client, path: str, key: str, body: dict[str, Any]) -> httpx.Response:
    return api.post(path, json=body, headers={"Idempotency-Key": key})


STORY: list[tuple[str, dict[str, Any], int]] = [
    ("/accounts", {"account_id": "alice", "asset": "EUR/2", "owner": "alice-1", "name": SECRETS[0]}, 201),
    ("/accounts", {"account_id": "bob", "asset": "EUR/2", "owner": "bob-1", "name": "Robert"}, 201),
    ("/accounts/alice/deposits", {"amount": 900, "reference": SECRETS[1]}, 201),
    ("/accounts/alice/holds", {"amount": 100, "reference": SECRETS[2]}, 201),
    (
        "/transfers",
        {
            "transfer_id": "t",
            "source": "alice",
            "target": "bob",
            "amount": 5,
            "asset": "EUR/2",
            "reference": SECRETS[4],
        },
        202,
    ),
    ("/accounts/alice/freeze", {"reason": SECRETS[3]}, 200),
    ("/accounts/alice/unfreeze", {"reason": SECRETS[3]}, 200),
    ("/accounts/alice/close", {"reason": SECRETS[5]}, 409),
]


def tell(api: httpx.Client) -> list[httpx.Response]:
    answers = [post(api, path, f"key-{number}", body) for number, (path, body, _) in enumerate(STORY)]
    assert [answer.status_code for answer in answers] == [status for _, _, status in STORY]
    return answers


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "data")
    with house.cosmos:
        yield house


@pytest.fixture
def api(house: House) -> Iterator[httpx.Client]:
    with httpx.Client(
        transport=AsgiThread(local.create_app(SERVICE, house.services)), base_url="http://localhost"
    ) as api:
        yield api


def texts(api: httpx.Client) -> list[str]:
    """Everything that the API shows of the story's texts."""
    summary, strong = api.get("/accounts/alice").json(), api.get("/accounts/alice?consistency=strong").json()
    paths = ("/accounts/alice/statement", "/accounts/alice/holds", "/accounts/bob/statement")
    listed = [entry["reference"] for path in paths for entry in api.get(path).json()["data"]]
    return [summary["name"], strong["name"], *listed, api.get("/transfers/t").json()["reference"]]


def test_answers_are_readable_until_the_person_is_forgotten(house: House, api: httpx.Client) -> None:
    tell(api)
    assert house.worker.run_until_idle(20).idle
    name, deposit, hold, transfer = SECRETS[0], SECRETS[1], SECRETS[2], SECRETS[4]
    assert texts(api) == [name, name, deposit, transfer, hold, transfer, transfer]
    assert api.get("/accounts/bob").json()["name"] == "Robert"
    house.forget()
    with house.api() as after:
        assert texts(after) == [ERASED] * 7
        assert after.get("/accounts/bob").json()["name"] == "Robert"
        assert after.get("/accounts/alice").json()["balance"] == 895


def test_no_personal_text_is_ever_in_a_document_or_a_file(house: House, api: httpx.Client) -> None:
    tell(api)
    assert house.worker.run_until_idle(20).idle
    aggregate = house.services.store.load(account_stream("alice"))
    assert not any(secret in str(Snapshot.take(aggregate)) for secret in SECRETS)
    stored, files = house.documents(), house.files()
    assert "personal:v1:alice-1:1:" in stored
    assert b"personal:v1:alice-1:1:" in files
    for secret in (*SECRETS, "Robert"):
        assert secret not in stored
        assert secret.encode() not in files


def test_what_is_kept_is_the_same_before_and_after_and_verifies(house: House, api: httpx.Client) -> None:
    tell(api)
    assert house.worker.run_until_idle(20).idle
    before = {stream: [event.hash for event in house.history().stream(stream)] for stream in house.history().streams()}
    house.forget()
    after = {stream: [event.hash for event in house.history().stream(stream)] for stream in house.history().streams()}
    assert after.pop("subject-alice-1")
    assert after == before
    for stream in (*before, "subject-alice-1"):
        assert verify(stream, house.history().documents(stream)).sound


def test_the_log_says_who_was_forgotten_by_whom_and_why(house: House, api: httpx.Client) -> None:
    tell(api)
    frozen = api.get("/streams/account-alice/events").json()["data"][-1]
    assert frozen["personal"] == {"reason": SECRETS[3], "meta.reason": SECRETS[3]}
    house.forget()
    house.forget()
    (event,) = house.history().stream("subject-alice-1")
    assert (event.type, event.meta["actor"], event.meta["reason"]) == ("subject.forgotten", "support", "request 4711")
    with house.api() as api:
        assert api.get("/streams/subject-alice-1/events").status_code == 200
        frozen = api.get("/streams/account-alice/events").json()["data"][-1]
        assert frozen["personal"] == {"reason": ERASED, "meta.reason": ERASED}


def test_an_erasure_that_stopped_halfway_goes_on(house: House, api: httpx.Client) -> None:
    tell(api)
    SubjectKeys(house.client.get_database_client(DATABASE), MemoryKey()).destroy("alice-1")
    house.forget()
    assert [event.type for event in house.history().stream("subject-alice-1")] == ["subject.forgotten"]


@pytest.mark.parametrize("refuses", [False, True])
def test_a_person_is_forgotten_whatever_replica_answers(house: House, api: httpx.Client, refuses: bool) -> None:
    house.cosmos.faults.add(lag=1_000, container="keys", refuse_sessions=refuses, count=1)
    tell(api)
    another = house.cosmos.client()
    forget(another, DATABASE, "alice-1", actor="support", reason="request 4711", at=NOON)
    house.cosmos.faults.clear()
    assert SubjectKeys(house.client.get_database_client(DATABASE), MemoryKey()).state("alice-1") == (1, False)


def test_a_person_who_is_not_there_is_not_forgotten(house: House) -> None:
    with pytest.raises(UnknownSubject, match="no text was ever encrypted for alice-1"):
        house.forget()
    assert list(house.history().streams()) == []


def test_a_command_sent_again_is_the_same_command_before_and_after(house: House, api: httpx.Client) -> None:
    first = tell(api)
    again = tell(api)
    assert [answer.json() for answer in again] == [answer.json() for answer in first]
    house.forget()
    with house.api() as after:
        forgotten = tell(after)
    for answers in (again, forgotten):
        assert all(answer.headers["Idempotency-Replayed"] == "true" for answer in answers)
    assert [answer.json() for answer in forgotten] == [answer.json() for answer in first]


@pytest.mark.parametrize("change", [{"reference": "another text"}, {"amount": 901}, {"reference": None}])
def test_a_key_with_another_text_is_refused(api: httpx.Client, change: dict[str, Any]) -> None:
    tell(api)
    path, body, _ = STORY[2]
    assert post(api, path, "key-2", body | change).json()["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_text_that_is_somebody_elses_token_opens_nothing(house: House, api: httpx.Client) -> None:
    tell(api)
    (event, *_) = house.history().stream("account-alice")
    stolen = Mapper[str]().domain_event(event).name
    assert post(api, "/accounts/bob/deposits", "steal", {"amount": 1, "reference": stolen}).status_code == 201
    assert house.worker.run_until_idle(20).idle
    entries = api.get("/accounts/bob/statement").json()["data"]
    assert stolen in [entry["reference"] for entry in entries]


def test_the_store_refuses_a_personal_text_that_nobody_encrypted(house: House) -> None:
    store = build_store(SERVICE.model, house.client, DATABASE)
    command = Command("open", "open", {"recorded_at": NOON.isoformat()})
    with pytest.raises(EventNotStorable, match=r"Opened\.name of stream account-carol is personal and not encrypted"):
        store.execute(
            account_stream("carol"),
            command,
            lambda _: Account.open("carol", asset="EUR/2", owner="carol", name="Carol", at=NOON),
        )
    assert list(house.history().stream(account_stream("carol"))) == []


def test_what_was_stored_before_there_was_encryption_stays_readable(house: House, api: httpx.Client) -> None:
    tables = house.client.get_database_client(DATABASE)
    old = CommandStore(tables, mapper=Mapper[str](), fold=fold, refusals=DomainError, snapshot_class=Snapshot)
    command = Command("open", "open", {"recorded_at": NOON.isoformat()})
    old.execute(
        account_stream("dora"),
        command,
        lambda _: Account.open("dora", asset="EUR/2", owner="dora", name="Dora", at=NOON),
    )
    assert post(api, "/accounts/dora/deposits", "new", {"amount": 1, "reference": "new text"}).status_code == 201
    assert house.worker.run_until_idle(20).idle
    assert api.get("/accounts/dora").json()["name"] == "Dora"
    assert api.get("/accounts/dora/statement").json()["data"][0]["reference"] == "new text"


def test_auditors_read_events_with_one_codec_and_cannot_store_what_they_read(house: House, api: httpx.Client) -> None:
    tell(api)
    keys = SubjectKeys(house.client.get_database_client(DATABASE), house.master)
    mapper = Mapper[str](fields=ReadableFields(personal_fields, PersonalData(keys)))
    events = [mapper.domain_event(event) for event in house.history().stream("account-alice")]
    assert [events[0].name, events[1].reference] == [SECRETS[0], SECRETS[1]]
    assert events[-1].reason == SECRETS[3]
    with pytest.raises(EventNotStorable, match="read for people"):
        mapper.to_stored_event(events[0])
    house.forget()
    keys = SubjectKeys(house.client.get_database_client(DATABASE), house.master)
    mapper = Mapper[str](fields=ReadableFields(personal_fields, PersonalData(keys)))
    assert mapper.domain_event(next(iter(house.history().stream("account-alice")))).name == ERASED


def requests(house: House) -> list[tuple[str, str]]:
    """The requests on items since the last call; what the SDK asks once about a container is left out."""
    entries = [(entry.operation, entry.container) for entry in house.cosmos.log.filter() if entry.container]
    entries = [entry for entry in entries if entry[0] in {"create", "read", "query", "batch", "replace"}]
    house.cosmos.log.clear()
    return entries


def test_a_key_costs_one_write_when_an_account_is_opened_and_nothing_after(house: House, api: httpx.Client) -> None:
    cold = [("read", "snapshots"), ("query", "events"), ("create", "events")]
    requests(house)
    post(api, "/accounts", "open", {"account_id": "alice", "asset": "EUR/2", "name": "Alice"})
    assert requests(house) == [("create", "keys"), *cold, ("create", "events")]
    post(api, "/accounts/alice/deposits", "warm", {"amount": 1, "reference": "text"})
    assert requests(house) == [("create", "events")]
    with house.api() as fresh:
        requests(house)
        post(fresh, "/accounts/alice/deposits", "cold", {"amount": 1, "reference": "text"})
        assert sorted(requests(house)) == sorted([*cold, ("read", "keys")])
    with house.api() as fresh:
        requests(house)
        post(fresh, "/accounts/alice/deposits", "without", {"amount": 1})
        assert requests(house) == cold


def test_a_person_is_forgotten_with_one_command(
    house: House, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(api)
    with serve(house.cosmos) as server:
        monkeypatch.setenv("COSMOS_ENDPOINT", server.endpoint)
        app = typer.Typer()
        app.command("forget")(forget_command)
        command = ["alice-1", "--reason", "request 4711", "--actor", "support"]
        runner = CliRunner()
        assert runner.invoke(app, command, input="n\n").exit_code == 1
        assert list(house.history().stream("subject-alice-1")) == []
        done = runner.invoke(app, [*command, "--yes"])
        assert done.exit_code == 0
        assert "alice-1 is forgotten: key 1 is destroyed (subject-alice-1 v1)" in done.output
        unknown = runner.invoke(app, ["nobody", *command[1:], "--yes"])
        assert (unknown.exit_code, "no text was ever encrypted for nobody" in unknown.output) == (1, True)
