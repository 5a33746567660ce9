"""Documents, position tokens, settings, limits: values that come from outside or go there."""

import re
from typing import Any

import pytest

from eventstore.cosmos.client import connect
from eventstore.cosmos.containers import CONTAINERS, EVENTS, create_containers
from eventstore.cosmos.settings import EMULATOR_KEY, CosmosSettings
from eventstore.errors import (
    EventNotStorable,
    EventTooLarge,
    InvalidPosition,
    MalformedDocument,
    SettingsError,
    TooManyEvents,
)
from eventstore.log import position
from eventstore.log.documents import Document, RecordedEvent, command_ids, event_id, is_event, sealed
from eventstore.log.limits import check_limits
from eventstore.log.outcomes import outcome_document
from eventstore.log.position import Position

STREAM = "purse-a"


def document(state: bytes = b"{}", version: int = 7) -> Document:
    return sealed(
        event_id(version),
        stream=STREAM,
        version=version,
        type_name="test",
        schema=2,
        state=state,
        meta={"id": "1", "recorded_at": "2026-03-01T12:30:00+00:00"},
        command_id="key",
        prev="0",
    )


@pytest.mark.parametrize(
    ("state", "enc"), [(b'{"name":"Zo\xc3\xab"}', "json"), (b"\xff\xfe", "base64"), (b"", "json"), (b"\x00", "json")]
)
def test_the_bytes_of_an_event_come_back_as_they_were(state: bytes, enc: str) -> None:
    recorded = RecordedEvent.from_document(document(state) | {"_lsn": 42, "_ts": 1})
    assert (recorded.state, recorded.enc, recorded.lsn, recorded.schema) == (state, enc, 42, 2)
    assert recorded.recorded_at == "2026-03-01T12:30:00+00:00"


@pytest.mark.parametrize(
    "damage",
    [{"meta": "{"}, {"enc": "zip"}, {"enc": "base64", "state": "*"}, {"state": 7}, {"type": None, "meta": None}],
    ids=str,
)
def test_a_document_that_is_no_event_is_named(damage: dict[str, Any]) -> None:
    with pytest.raises(MalformedDocument, match=r"stream 'purse-a', id '0000000007'"):
        RecordedEvent.from_document(document() | damage)
    with pytest.raises(MalformedDocument, match="command"):
        RecordedEvent.from_document({name: value for name, value in document().items() if name != "commandId"})


def test_ids_sort_as_versions_do_and_outcomes_before_them() -> None:
    outcome = outcome_document(stream=STREAM, version=1, head="", command_id="key", refusal=None, meta={})
    ids = [outcome["id"], *map(event_id, [0, 1, 9, 10, 99, 100, 10**10 - 1])]
    assert ids == sorted(ids)
    assert not is_event(outcome)
    assert is_event(document())


@pytest.mark.parametrize("version", [-1, 10**10])
def test_a_version_that_would_sort_wrongly_is_refused(version: int) -> None:
    with pytest.raises(EventNotStorable, match="from 0 to 9999999999"):
        event_id(version)


def test_the_events_of_a_command_have_ids_of_their_own() -> None:
    assert command_ids("key", 3) == ["key", "key/1", "key/2"]


def test_a_position_comes_back_from_its_token() -> None:
    token = position.encode("account-Zoë", 7, "0:1#42#3=-1")
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert position.decode(token) == Position("account-Zoë", 7, "0:1#42#3=-1")


@pytest.mark.parametrize(("session", "lsn"), [("0:1#42#3=-1", 42), ("0:42", 42), ("", None), ("0:-1#x", None)])
def test_the_number_of_the_transaction_is_in_the_session_token(session: str, lsn: int | None) -> None:
    assert Position(STREAM, 1, session).lsn == lsn


@pytest.mark.parametrize(
    "token",
    ["", "x", "ä", "bnVsbA", "WzIsImEiLDEsIiJd", "WzEsImEiLHRydWUsIiJd", "WzEsImEiLC0xLCIiXQ", "WzEsIiIsMSwiIl0"],
)
def test_a_foreign_token_is_no_position(token: str) -> None:
    with pytest.raises(InvalidPosition, match="not a position token"):
        position.decode(token)


def test_settings_have_defaults_for_a_database_on_this_machine() -> None:
    settings = CosmosSettings.load({})
    assert (settings.endpoint, settings.database, settings.is_local) == ("http://localhost:8081/", "tidemark", True)
    assert settings.account_key == EMULATOR_KEY


def test_settings_of_an_account_use_an_identity_unless_there_is_a_key() -> None:
    account = {"COSMOS_ENDPOINT": "https://ledger.documents.azure.com:443/"}
    assert CosmosSettings.load(account).account_key is None
    assert CosmosSettings.load(account | {"COSMOS_KEY": ""}).account_key is None
    assert CosmosSettings.load(account | {"COSMOS_KEY": "k3y"}).account_key == "k3y"
    assert "k3y" not in repr(CosmosSettings.load(account | {"COSMOS_KEY": "k3y"}))


@pytest.mark.parametrize(
    ("name", "value", "help_text"),
    [
        ("COSMOS_ENDPOINT", "ledger", "the account's address, such as https://"),
        ("COSMOS_ENDPOINT", "ftp://ledger", "the account's address, such as https://"),
        ("COSMOS_DATABASE", "a/b", "the database's name"),
        ("COSMOS_READ_TIMEOUT", "0", "seconds, more than 0"),
        ("COSMOS_POOL_SIZE", "many", "a number of connections, 1 to 1000"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_variable_and_what_to_put_there(
    name: str, value: str, help_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be {re.escape(help_text)}"):
        CosmosSettings.load({name: value})
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name} must be {re.escape(help_text)}"):
        CosmosSettings.load()


def test_a_hundred_events_fit_in_a_transaction_and_one_more_is_refused_with_the_numbers() -> None:
    check_limits(STREAM, [document()] * 100)
    with pytest.raises(TooManyEvents, match="101 events for stream purse-a in one transaction, Cosmos DB takes 100"):
        check_limits(STREAM, [document()] * 101)


def test_an_event_over_two_megabytes_is_refused_with_the_numbers() -> None:
    check_limits(STREAM, [document(b"x" * 2_000_000)])
    with pytest.raises(EventTooLarge, match=r"version 7 of stream purse-a: 2\d{6} bytes, Cosmos DB takes 2097152"):
        check_limits(STREAM, [document(b"x" * 2_100_000)])
    with pytest.raises(EventTooLarge):
        check_limits(STREAM, [document(b'"' * 1_100_000)])


def test_events_over_two_megabytes_together_are_refused_with_the_numbers() -> None:
    check_limits(STREAM, [document(b"x" * 1_000_000)] * 2)
    with pytest.raises(EventTooLarge, match=r"3 events together of stream purse-a: 3\d{6} bytes"):
        check_limits(STREAM, [document(b"x" * 1_000_000)] * 3)


def test_containers_can_be_created_again_and_have_their_keys(client: Any, database: str) -> None:
    create_containers(client, database)
    tables = client.get_database_client(database)
    for spec in CONTAINERS:
        properties = tables.get_container_client(spec.name).read()
        assert properties["partitionKey"]["paths"] == [spec.partition_key]
    properties = tables.get_container_client(EVENTS.name).read()
    assert properties["uniqueKeyPolicy"]["uniqueKeys"] == [{"paths": ["/commandId"]}]
    assert {entry["path"] for entry in properties["indexingPolicy"]["includedPaths"]} == {
        "/id/?",
        "/streamId/?",
        "/commandId/?",
    }
    assert "defaultTtl" not in properties


def test_a_client_is_opened_from_settings(server: Any) -> None:
    with connect(CosmosSettings.load({"COSMOS_ENDPOINT": server.endpoint})) as client:
        create_containers(client, "new")
        assert [each["id"] for each in client.list_databases()] == ["new"]
