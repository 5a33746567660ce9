"""What an Idempotency-Key is unique in: caller and operation where something is created, else caller and stream."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from azure.cosmos import CosmosClient

from audit.log import Log
from audit.verification.verify import verify_log
from eventstore.environment import load
from eventstore.log.outcomes import CLAIMED
from functions.composition import build_services
from functions.hosting import local
from functions.http.auth import EntraAuthenticator
from functions.http.dependencies import Dependencies
from functions.http.jwks import KeySet
from functions.settings import Settings
from localazure.cosmos import LocalCosmos
from projectors.processor.worker import Worker
from service import SERVICE
from tests.functions.conftest import Ledger, SettableClock
from tests.functions.http.issuer import AUDIENCE, ISSUER, LocalIssuer
from tests.support.asgi import AsgiThread

PAY = {"source": "alice", "target": "bob", "amount": 100, "asset": "EUR/2"}


@pytest.fixture
def process(client: CosmosClient, database: str, clock: SettableClock) -> Callable[[], httpx.Client]:
    """Makes APIs as separate processes would have them: nothing is shared but the database."""

    def make() -> httpx.Client:
        services = build_services(SERVICE, load(Settings, auth="none", max_wait_ms=2_000), client, database)
        app = local.create_app(SERVICE, replace(services, clock=clock))
        return httpx.Client(transport=AsgiThread(app), base_url="http://localhost")

    return make


def post(api: httpx.Client, path: str, body: dict[str, Any], key: str, token: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key} | ({"Authorization": f"Bearer {token}"} if token else {})
    return api.post(path, json=body, headers=headers)


def reused(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json().get("code")) == (422, "IDEMPOTENCY_KEY_REUSED")


def balance(api: httpx.Client, account: str) -> int:
    return int(api.get(f"/accounts/{account}?consistency=strong").json()["balance"])


@pytest.fixture
def bank(ledger: Ledger) -> Ledger:
    ledger.open("alice", balance=1_000)
    ledger.open("bob")
    return ledger


OWN, OTHER, DERIVED = {"transfer_id": "one"}, {"transfer_id": "two"}, dict[str, str]()


@pytest.mark.parametrize(("first", "second"), [(OWN, OTHER), (OWN, DERIVED), (DERIVED, OWN)])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_key_moves_money_once_whatever_id_the_transfer_has_then(
    first: dict[str, str],
    second: dict[str, str],
    elsewhere: bool,
    api: httpx.Client,
    bank: Ledger,
    worker: Worker,
    process: Callable[[], httpx.Client],
) -> None:
    with process() as another:
        again = another if elsewhere else api
        made = post(api, "/transfers", PAY | first, "pay")
        assert made.status_code == 202
        assert reused(post(again, "/transfers", PAY | second, "pay"))
        assert worker.run_until_idle(20).idle
        assert balance(api, "bob") == 100
        repeated = post(again, "/transfers", PAY | first, "pay")
        assert (repeated.status_code, repeated.json()) == (202, made.json())
        assert repeated.headers["Idempotency-Replayed"] == "true"


def test_an_id_that_the_key_itself_would_have_given_is_the_same_transfer(
    api: httpx.Client, bank: Ledger, process: Callable[[], httpx.Client]
) -> None:
    named = post(api, "/transfers", PAY, "pay").json()["transfer_id"]
    assert reused(post(api, "/transfers", PAY | {"transfer_id": named}, "pay"))
    taken = post(api, "/transfers", PAY | {"transfer_id": named}, "another key")
    assert (taken.status_code, taken.json()["code"]) == (409, "TRANSFER_EXISTS")


def test_a_key_opens_one_account(api: httpx.Client, services: Dependencies) -> None:
    assert post(api, "/accounts", {"account_id": "alice", "asset": "EUR/2"}, "open").status_code == 201
    assert reused(post(api, "/accounts", {"account_id": "bob", "asset": "EUR/2"}, "open"))
    assert list(services.history.stream("account-bob")) == []


def test_the_same_key_is_another_one_for_another_operation_and_another_stream(api: httpx.Client, bank: Ledger) -> None:
    for path in ("/accounts/alice/deposits", "/accounts/bob/deposits"):
        assert post(api, path, {"amount": 1}, "same").status_code == 201
    assert post(api, "/accounts", {"account_id": "carol", "asset": "EUR/2"}, "same").status_code == 201
    assert post(api, "/transfers", PAY | OWN, "same").status_code == 202
    assert (balance(api, "alice"), balance(api, "bob")) == (1_001, 1)
    assert reused(post(api, "/accounts/alice/deposits", {"amount": 1}, "key-1")), "its opening is a command on it too"


def test_a_refused_creation_keeps_its_key_and_a_malformed_one_does_not(api: httpx.Client, bank: Ledger) -> None:
    malformed = PAY | OWN | {"reverses": "another"}
    for _ in range(2):
        assert post(api, "/transfers", malformed, "pay").status_code == 400
    refused = PAY | OWN | {"target": "alice"}
    for _ in range(2):
        assert post(api, "/transfers", refused, "pay").json()["code"] == "SAME_ACCOUNT"
    assert reused(post(api, "/transfers", PAY | OTHER, "pay"))


def test_a_mismatch_of_versions_leaves_the_key_free(api: httpx.Client, bank: Ledger) -> None:
    headers = {"Idempotency-Key": "pay", "If-Match": '"7"'}
    assert api.post("/transfers", json=PAY | OWN, headers=headers).status_code == 412
    assert post(api, "/transfers", PAY | OTHER, "pay").status_code == 202


# Callers


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    with LocalIssuer() as running:
        yield running


@pytest.fixture
def guarded(services: Dependencies, issuer: LocalIssuer) -> Iterator[httpx.Client]:
    authenticator = EntraAuthenticator(KeySet(issuer.url), issuer=ISSUER, audience=AUDIENCE)
    app = local.create_app(SERVICE, replace(services, authenticator=authenticator))
    with httpx.Client(transport=AsgiThread(app, ("203.0.113.9", 1)), base_url="http://localhost") as client:
        yield client


def test_a_key_is_its_callers_own(guarded: httpx.Client, issuer: LocalIssuer, services: Dependencies) -> None:
    ann, ben = (issuer.token("Tidemark.Command", oid=oid) for oid in ("ann", "ben"))
    assert post(guarded, "/accounts", {"account_id": "alice", "asset": "EUR/2"}, "open", ann).status_code == 201
    first = post(guarded, "/accounts/alice/deposits", {"amount": 100}, "1", ann)
    second = post(guarded, "/accounts/alice/deposits", {"amount": 100}, "1", ben)
    third = post(guarded, "/accounts/alice/deposits", {"amount": 7}, "1", ben)
    assert [answer.status_code for answer in (first, second)] == [201, 201]
    assert "Idempotency-Replayed" not in second.headers
    assert reused(third)
    for token, answer in ((ann, first), (ben, second)):
        again = post(guarded, "/accounts/alice/deposits", {"amount": 100}, "1", token)
        assert (again.json(), again.headers["Idempotency-Replayed"]) == (answer.json(), "true")
    assert services.store.load("account-alice").balance == 200
    ids = [event.command_id for event in services.history.stream("account-alice")]
    assert ids[1:] == ["1¦user:ann", "1¦user:ben"], "an auditor reads the client's key"


def test_two_callers_with_one_key_create_what_each_asks_for(
    guarded: httpx.Client, issuer: LocalIssuer, services: Dependencies
) -> None:
    ann, ben = (issuer.token("Tidemark.Command", oid=oid) for oid in ("ann", "ben"))
    account = {"account_id": "alice", "asset": "EUR/2"}
    assert post(guarded, "/accounts", account, "1", ann).status_code == 201
    assert post(guarded, "/accounts", account, "1", ben).json()["code"] == "ACCOUNT_EXISTS"
    assert post(guarded, "/accounts", account, "1", ann).headers["Idempotency-Replayed"] == "true"
    transfers = [post(guarded, "/transfers", PAY, "1", token).json()["transfer_id"] for token in (ann, ben)]
    assert len(set(transfers)) == 2
    assert reused(post(guarded, "/transfers", PAY | OWN, "1", ann))


def test_a_token_whose_oid_is_no_id_names_nobody(guarded: httpx.Client, issuer: LocalIssuer) -> None:
    for oid in ("a/b", "a¦user:b", "", "x" * 65, "a\nb"):
        token = issuer.token("Tidemark.Command", oid=oid)
        answer = post(guarded, "/accounts", {"account_id": "a", "asset": "EUR/2"}, "1", token)
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED"), oid


# What it costs, and who sees it


def requests(cosmos: LocalCosmos) -> list[tuple[str, str]]:
    entries = [(entry.operation, entry.container) for entry in cosmos.log.filter() if entry.container]
    cosmos.log.clear()
    return [entry for entry in entries if entry[0] in {"create", "read", "query", "batch", "replace"}]


def test_a_claim_costs_one_request_and_only_who_creates_under_an_id_of_its_own_pays_it(
    api: httpx.Client, bank: Ledger, cosmos: LocalCosmos
) -> None:
    cold = [("read", "snapshots"), ("query", "events"), ("create", "events")]
    requests(cosmos)
    post(api, "/transfers", PAY, "derived")
    assert requests(cosmos) == cold
    post(api, "/transfers", PAY | OWN, "own")
    assert requests(cosmos) == [*cold, ("create", "events")]
    post(api, "/transfers", PAY | OWN, "own")
    assert [place for _, place in requests(cosmos)].count("events") <= 4
    post(api, "/accounts/alice/deposits", {"amount": 1}, "warm")
    assert requests(cosmos) == [("create", "events")]


def test_a_claim_is_sealed_and_verified_and_nobodys_event(
    api: httpx.Client, bank: Ledger, services: Dependencies, worker: Worker, client: CosmosClient, database: str
) -> None:
    post(api, "/transfers", PAY | OWN, "own")
    assert worker.run_until_idle(20).idle
    events = client.get_database_client(database).get_container_client("events")
    claims = [each for each in events.read_all_items() if each["type"] == CLAIMED]
    assert len(claims) == 3
    assert all(each["id"].startswith("-") for each in claims)
    place = next(each["streamId"] for each in claims if each["streamId"].startswith("transfer-"))
    assert (list(services.history.stream(place)), list(services.history.outcomes(place))) == ([], [])
    assert place not in list(services.history.streams())
    verdict = verify_log(Log(events))
    assert (verdict.sound, verdict.outcomes) == (True, 3)
    assert api.get("/transfers/one").json()["status"] == "completed"
