"""Whose a text is: the owner's of the account that its command finds, whatever was known of that account before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from azure.core.exceptions import ServiceResponseError
from azure.core.paging import ItemPaged
from azure.cosmos import ContainerProxy
from typer.testing import CliRunner

from audit.erasure import forget
from audit.ledger.strays import STRAYS
from audit.log import Log
from audit.strays import Stray
from cli.audit.forget import forget_command
from eventstore.errors import MasterKeyUnusable
from eventstore.personal import ERASED, Token, Wrapped
from functions.hosting import local
from functions.http.personal import PersonalTexts, Said
from localazure.cosmos import RequestInfo, serve
from service import SERVICE
from tests.audit.erasure.test_forget import DATABASE, NOON, House, post
from tests.support.asgi import AsgiThread

OPEN = {"account_id": "acct9", "asset": "EUR/2", "owner": "bob"}
TEXT = "salary of Bob Smith"
DEPOSIT = {"amount": 5, "reference": TEXT}
PAY = {"source": "acct9", "target": "shop", "amount": 5, "asset": "EUR/2", "transfer_id": "t"}


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


@pytest.fixture
def lagging(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read without a session is empty, as on a replica that has seen nothing yet."""
    query_items = ContainerProxy.query_items

    def query(container: ContainerProxy, *arguments: Any, **options: Any) -> Any:
        weak = options.get("feed_options", {}).get("consistencyLevel") == "Eventual"
        if container.id == "events" and weak:
            return ItemPaged(lambda _: [], lambda page: (None, page))
        return query_items(container, *arguments, **options)

    monkeypatch.setattr(ContainerProxy, "query_items", query)


def subjects(house: House, stream: str) -> list[str]:
    """For whom the texts of a stream are encrypted, in events and in outcomes."""
    history = house.history()
    said = [event.state.decode() + str(event.meta) for event in history.stream(stream)]
    said += [str(outcome.meta) for outcome in history.outcomes(stream)]
    words = " ".join(said).replace("'", '"').split('"')
    return [token.subject for word in words if (token := Token.parse(word))]


def forgotten(house: House, path: str) -> bool:
    forget(house.client, DATABASE, "bob", actor="support", reason="request 4711", at=NOON, strays=STRAYS)
    assert house.worker.run_until_idle(20).idle
    with house.api() as after:
        answer = after.get(path).text
    assert TEXT not in answer
    return ERASED in answer


def test_an_account_that_was_not_there_a_moment_ago_has_its_owner(house: House, api: httpx.Client) -> None:
    with house.api() as other:
        assert post(other, "/accounts/acct9/deposits", "k0", {"amount": 5, "reference": "x"}).status_code == 404
        assert post(api, "/accounts", "k1", OPEN).status_code == 201
        assert post(other, "/accounts/acct9/deposits", "k2", DEPOSIT).status_code == 201
    assert subjects(house, "account-acct9") == ["bob"]
    assert forgotten(house, "/accounts/acct9/statement")


def test_a_replica_that_lags_makes_nobody_an_owner(house: House, api: httpx.Client, lagging: None) -> None:
    assert post(api, "/accounts", "k1", OPEN).status_code == 201
    with house.api() as other:
        assert post(other, "/accounts/acct9/deposits", "k2", DEPOSIT).status_code == 201
        assert post(other, "/accounts/acct9/freeze", "k3", {"reason": TEXT}).status_code == 200
        assert post(other, "/accounts/acct9/close", "k4", {"reason": TEXT}).status_code == 409
    with house.api() as third:
        assert post(third, "/transfers", "k5", PAY | {"reference": TEXT}).status_code == 202
    assert set(subjects(house, "account-acct9")) == {"bob"}
    assert subjects(house, "transfer-t") == ["bob"]


def test_a_refused_command_on_no_account_makes_no_key_and_keeps_its_key(house: House, api: httpx.Client) -> None:
    keys = house.client.get_database_client(DATABASE).get_container_client("keys")
    missing = post(api, "/accounts/acct9/freeze", "k", {"reason": TEXT})
    assert (missing.status_code, list(keys.read_all_items())) == (404, [])
    assert subjects(house, "account-acct9") == []
    assert post(api, "/accounts", "open", OPEN).status_code == 201
    with house.api() as other:
        for process in (api, other):
            again = post(process, "/accounts/acct9/freeze", "k", {"reason": TEXT})
            assert (again.status_code, again.headers["Idempotency-Replayed"]) == (404, "true")


def test_the_text_of_a_transfer_is_nobodys_where_there_is_no_source(house: House, api: httpx.Client) -> None:
    refused = post(api, "/transfers", "k", PAY | {"reference": TEXT})
    assert (refused.status_code, refused.json()["code"]) == (404, "ACCOUNT_NOT_FOUND")
    assert post(api, "/transfers", "plain", PAY | {"transfer_id": "u"}).status_code == 202
    assert post(api, "/accounts", "open", OPEN).status_code == 201
    again = post(api, "/transfers", "k", PAY | {"reference": TEXT})
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (404, "true")
    assert post(api, "/transfers", "k2", PAY | {"reference": TEXT}).status_code == 202
    assert subjects(house, "transfer-t") == ["bob"]


def _sealed_for_the_id(texts: PersonalTexts, stream: str, body: Any, *, key: str) -> Said[Any]:
    return texts.of_owner(stream.removeprefix("account-"), body, key=key)


def older_program(
    house: House, api: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str, key: str, body: dict[str, Any]
) -> None:
    """A command of a program that took an account that it had not seen for its own owner."""
    with monkeypatch.context() as patched:
        patched.setattr(Said, "of", lambda said, _: said.body)
        house.services.personal._owners.put("account-acct9", "acct9")
        assert post(api, path, key, body).is_success
    house.services.personal._owners.take("account-acct9")


def test_a_key_is_known_again_after_its_texts_belong_to_another_subject(
    house: House, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(api, "/accounts", "open", OPEN).status_code == 201
    older_program(house, api, monkeypatch, "/accounts/acct9/deposits", "stray", DEPOSIT)
    assert subjects(house, "account-acct9") == ["acct9"]
    with house.api() as other:
        for process in (api, other):
            again = post(process, "/accounts/acct9/deposits", "stray", DEPOSIT)
            assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
            assert post(process, "/accounts/acct9/deposits", "stray", DEPOSIT | {"amount": 6}).status_code == 422


def test_a_claim_is_known_again_after_its_texts_belong_to_another_subject(
    house: House, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died after the claim; since then the account has been opened."""
    with house.api() as dead:
        appended = 0

        def on_request(info: RequestInfo, phase: str) -> None:
            nonlocal appended
            appended += phase == "before" and info.container == "events" and info.operation == "create"
            if appended > 1:
                raise ServiceResponseError("timed out")

        remove = house.cosmos.faults.on_request(on_request)
        with monkeypatch.context() as patched:
            patched.setattr("time.sleep", lambda _: None)
            patched.setattr(PersonalTexts, "of_other", _sealed_for_the_id)
            assert post(dead, "/transfers", "k", PAY | {"reference": TEXT}).status_code == 503
        remove()
    assert post(api, "/accounts", "open", OPEN).status_code == 201
    assert post(api, "/transfers", "k", PAY | {"reference": TEXT, "amount": 6}).status_code == 422
    assert post(api, "/transfers", "k", PAY | {"reference": TEXT}).status_code == 202
    assert subjects(house, "transfer-t") == ["bob"]


class Away:
    """A vault that does not answer."""

    def wrap(self, key: bytes) -> Wrapped:
        raise MasterKeyUnusable("the vault does not answer")

    def unwrap(self, wrapped: Wrapped) -> bytes:
        raise MasterKeyUnusable("the vault does not answer")


def test_a_key_is_known_again_while_the_vault_is_away_and_nothing_new_is_taken(house: House, api: httpx.Client) -> None:
    assert post(api, "/accounts", "open", OPEN | {"name": TEXT}).status_code == 201
    asked = post(api, "/transfers", "p", PAY | {"reference": TEXT})
    house.master = Away()  # type: ignore[assignment]
    with house.api() as other:
        again = post(other, "/accounts", "open", OPEN | {"name": TEXT})
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
        again = post(other, "/transfers", "p", PAY | {"reference": TEXT})
        assert (again.status_code, again.json()) == (202, asked.json())
        assert post(other, "/transfers", "p", PAY).status_code == 422
        assert post(other, "/accounts/acct9/deposits", "new", DEPOSIT).status_code >= 500
        assert post(other, "/accounts/acct9/deposits", "plain", {"amount": 1}).status_code == 201


def test_a_key_on_a_known_account_is_known_again_while_the_vault_is_away(house: House, api: httpx.Client) -> None:
    assert post(api, "/accounts", "open", OPEN).status_code == 201
    first = post(api, "/accounts/acct9/deposits", "k", DEPOSIT)
    house.master = Away()  # type: ignore[assignment]
    with house.api() as other:
        again = post(other, "/accounts/acct9/deposits", "k", DEPOSIT)
        assert (again.status_code, again.json()) == (201, first.json())
        assert post(other, "/accounts/acct9/deposits", "k", {"amount": 5}).status_code == 422


# Installations that have such texts


def strays_of(house: House) -> list[Stray]:
    return STRAYS.of_log(Log(house.client.get_database_client(DATABASE).get_container_client("events")))


def test_texts_under_another_subject_are_listed_and_forgotten_with_their_owner(
    house: House, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    older_program(house, api, monkeypatch, "/transfers", "k0", PAY | {"reference": TEXT})
    for account in (OPEN, {"account_id": "shop", "asset": "EUR/2"}):
        assert post(api, "/accounts", f"open {account['account_id']}", account).status_code == 201
    older_program(house, api, monkeypatch, "/accounts/acct9/deposits", "k1", DEPOSIT)
    older_program(house, api, monkeypatch, "/accounts/acct9/freeze", "k2", {"reason": TEXT})
    older_program(house, api, monkeypatch, "/accounts/acct9/unfreeze", "k3", {"reason": TEXT})
    assert post(api, "/accounts/acct9/deposits", "k4", DEPOSIT).status_code == 201
    assert post(api, "/accounts/shop/deposits", "k5", DEPOSIT).status_code == 201
    assert house.worker.run_until_idle(20).idle
    found = strays_of(house)
    assert {(each.owner, each.subject, each.key, each.shared) for each in found} == {("bob", "acct9", 1, False)}
    places = [f"{each.stream} {int(each.document)}" for each in found]
    assert places == ["account-acct9 2", "account-acct9 3", "account-acct9 4", "account-shop 3", "transfer-t 1"]
    with house.api() as after:
        assert after.get("/accounts/acct9/statement").text.count(TEXT) == 2
    done = forget(house.client, DATABASE, "bob", actor="support", reason="request 4711", at=NOON, strays=STRAYS)
    assert (done.others, done.shared, done.again) == (("acct9",), (), False)
    with house.api() as after:
        for path in ("/accounts/acct9/statement", "/transfers/t", "/streams/account-acct9/events"):
            assert TEXT not in after.get(path).text
        assert TEXT in after.get("/accounts/shop/statement").text, "the shop's own"
    for subject in ("bob", "acct9"):
        assert [event.type for event in house.history().stream(f"subject-{subject}")] == ["subject.forgotten"]
    assert forget(house.client, DATABASE, "bob", actor="support", reason="request 4711", at=NOON, strays=STRAYS).again


def test_a_hold_carries_no_text_that_is_not_its_accounts_owners(
    house: House, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    older_program(house, api, monkeypatch, "/transfers", "k0", PAY | {"reference": TEXT})
    for account in (OPEN, {"account_id": "shop", "asset": "EUR/2"}):
        assert post(api, "/accounts", f"open {account['account_id']}", account).status_code == 201
    assert post(api, "/accounts/acct9/deposits", "in", {"amount": 5}).status_code == 201
    assert house.worker.run_until_idle(20).idle
    assert api.get("/transfers/t").json()["status"] == "completed"
    assert subjects(house, "account-acct9") == []


def test_a_key_of_another_person_is_left_and_told(
    house: House, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(api, "/accounts", "open", OPEN).status_code == 201
    older_program(house, api, monkeypatch, "/accounts/acct9/deposits", "k1", DEPOSIT)
    other = {"account_id": "z", "asset": "EUR/2", "owner": "acct9", "name": "Zoe"}
    assert post(api, "/accounts", "open z", other).status_code == 201
    (stray,) = strays_of(house)
    assert stray.shared
    assert post(api, "/accounts/acct9/deposits", "k2", {"amount": 1, "reference": "bob's own"}).status_code == 201
    done = forget(house.client, DATABASE, "bob", actor="support", reason="request 4711", at=NOON, strays=STRAYS)
    assert (done.others, done.shared) == ((), ("acct9",))
    assert house.worker.run_until_idle(20).idle
    with house.api() as after:
        assert after.get("/accounts/z").json()["name"] == "Zoe"


def test_the_command_lists_what_is_left_to_forget(
    house: House, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    app.command("forget")(forget_command)
    runner = CliRunner()
    with serve(house.cosmos) as server:
        monkeypatch.setenv("COSMOS_ENDPOINT", server.endpoint)
        assert post(api, "/accounts", "open", OPEN).status_code == 201
        clean = runner.invoke(app, ["--check"])
        assert (clean.exit_code, clean.output) == (0, "every text that can be read is encrypted for its owner\n")
        older_program(house, api, monkeypatch, "/accounts/acct9/deposits", "k1", DEPOSIT)
        listed = runner.invoke(app, ["--check"])
        assert listed.exit_code == 1
        assert "account-acct9 0000000002: a text of bob under key 1 of acct9\n" in listed.output
        assert runner.invoke(app, ["--check", "carol"]).exit_code == 0
        assert '"subject":"acct9"' in runner.invoke(app, ["--check", "--json"]).output.replace(" ", "")
        done = runner.invoke(app, ["bob", "--reason", "request 4711", "--actor", "support", "--yes"])
        assert (done.exit_code, "and the key of acct9" in done.output) == (0, True)
        assert runner.invoke(app, ["--check"]).exit_code == 0
        assert runner.invoke(app, []).exit_code == 2
