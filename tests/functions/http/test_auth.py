"""Bearer tokens: each wrong kind is refused, roles decide, keys are kept and rotate, the actor is the token's."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from eventstore.environment import load
from eventstore.errors import SettingsError
from functions.hosting import local
from functions.hosting.errors import Unprotected
from functions.hosting.server import serve
from functions.http.auth import EntraAuthenticator, authenticator
from functions.http.dependencies import Dependencies
from functions.http.jwks import KeySet
from functions.settings import Settings
from service import SERVICE
from tests.audit.serving import served
from tests.functions.http.issuer import AUDIENCE, ISSUER, LocalIssuer
from tests.support.asgi import AsgiThread

OPEN = {"account_id": "alice", "asset": "EUR/2"}


class ManualTime:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    with LocalIssuer() as running:
        yield running


@pytest.fixture
def seconds() -> ManualTime:
    return ManualTime()


@pytest.fixture
def api(services: Dependencies, issuer: LocalIssuer, seconds: ManualTime) -> Iterator[httpx.Client]:
    guarded = EntraAuthenticator(KeySet(issuer.url, clock=seconds), issuer=ISSUER, audience=AUDIENCE)
    app = local.create_app(SERVICE, replace(services, authenticator=guarded))
    with httpx.Client(transport=AsgiThread(app, ("203.0.113.9", 1)), base_url="http://localhost") as client:
        yield client


def open_account(api: httpx.Client, token: str | None, scheme: str = "Bearer") -> httpx.Response:
    headers = {"Idempotency-Key": "1"} | ({"Authorization": f"{scheme} {token}"} if token is not None else {})
    return api.post("/accounts", json=OPEN, headers=headers)


def test_a_good_token_is_let_in_and_is_the_actor_of_the_event(
    api: httpx.Client, issuer: LocalIssuer, services: Dependencies
) -> None:
    assert open_account(api, issuer.token("Tidemark.Command", name="Alice Example")).status_code == 201
    (event,) = services.history.stream("account-alice")
    assert event.meta["actor"] == "user:11111111-2222-3333-4444-555555555555"
    assert "Alice Example" not in str(event)


def test_an_application_is_an_actor_of_its_own_kind(
    api: httpx.Client, issuer: LocalIssuer, services: Dependencies
) -> None:
    open_account(api, issuer.token("Tidemark.Command", idtyp="app", oid="svc"))
    (event,) = services.history.stream("account-alice")
    assert event.meta["actor"] == "app:svc"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": -60},
        {"nbf": 600},
        {"exp": None},
        {"aud": "another-api"},
        {"aud": None},
        {"iss": "https://login.example/another/v2.0"},
        {"iss": None},
        {"oid": None},
        {"algorithm": "HS256"},
        {"algorithm": "none"},
        {"algorithm": "RS512"},
        {"key_id": "never-published"},
    ],
    ids=str,
)
def test_a_token_that_is_wrong_in_one_thing_is_refused(api: httpx.Client, issuer: LocalIssuer, claims: dict) -> None:  # type: ignore[type-arg]
    answer = open_account(api, issuer.token("Tidemark.Command", **claims))
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_of_a_stranger_who_uses_a_known_key_id_is_refused(api: httpx.Client, issuer: LocalIssuer) -> None:
    with LocalIssuer() as stranger:
        assert open_account(api, stranger.token("Tidemark.Command", key_id="key-1")).status_code == 401


def test_a_token_signed_with_the_public_key_as_if_it_were_a_secret_is_refused(
    api: httpx.Client, issuer: LocalIssuer
) -> None:
    """Everybody knows that key; who lets the token choose its algorithm takes the signature for good."""
    ((key_id, key),) = issuer.keys.items()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, claims, _ = issuer.token("Tidemark.Command").split(".")
    header = base64url_encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": key_id}).encode()).decode()
    signature = hmac.new(public, f"{header}.{claims}".encode(), hashlib.sha256).digest()
    forged = f"{header}.{claims}.{base64url_encode(signature).decode()}"
    assert jwt.get_unverified_header(forged)["alg"] == "HS256"
    assert open_account(api, forged).status_code == 401


@pytest.mark.parametrize(("token", "scheme"), [(None, ""), ("abc", "Bearer"), ("a.b.c", "Bearer"), ("x", "Basic")])
def test_what_is_no_bearer_token_is_refused(api: httpx.Client, token: str | None, scheme: str) -> None:
    answer = open_account(api, token, scheme)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("role", "allowed"),
    [("Tidemark.Command", "command"), ("Tidemark.Query", "query"), ("Tidemark.Audit", "audit"), ("Other", "")],
)
def test_a_role_opens_its_own_part_and_no_other(
    api: httpx.Client, issuer: LocalIssuer, role: str, allowed: str
) -> None:
    headers = {"Authorization": f"Bearer {issuer.token(role)}", "Idempotency-Key": "1"}
    answers = {
        "command": api.post("/accounts", json=OPEN, headers=headers),
        "query": api.get("/accounts/nobody?wait_ms=0", headers=headers),
        "audit": api.get("/streams/account-nobody/events", headers=headers),
    }
    let_in = {name for name, answer in answers.items() if answer.status_code != 403}
    assert let_in == ({allowed} if allowed else set())
    assert all(answer.json()["code"] == "FORBIDDEN" for name, answer in answers.items() if name not in let_in)


def test_a_stranger_learns_nothing_of_what_a_request_should_be(api: httpx.Client) -> None:
    assert api.post("/accounts", json={"wrong": 1}).status_code == 401
    assert api.get("/accounts/alice/statement?limit=x").status_code == 401


def test_health_needs_no_token(api: httpx.Client) -> None:
    assert api.get("/health/live").status_code == 200


def test_keys_are_fetched_once_for_many_requests(api: httpx.Client, issuer: LocalIssuer) -> None:
    for _ in range(5):
        open_account(api, issuer.token("Tidemark.Command"))
    assert issuer.requests == 1


def test_a_new_key_is_fetched_when_a_token_names_it(
    api: httpx.Client, issuer: LocalIssuer, seconds: ManualTime
) -> None:
    old = issuer.token("Tidemark.Command")
    assert open_account(api, old).status_code == 201
    issuer.rotate("key-2")
    seconds.now += 31
    assert open_account(api, issuer.token("Tidemark.Command")).status_code == 201
    assert open_account(api, old).status_code == 401
    assert issuer.requests == 2


def test_invented_key_ids_do_not_become_requests_to_the_issuer(api: httpx.Client, issuer: LocalIssuer) -> None:
    open_account(api, issuer.token("Tidemark.Command"))
    for number in range(5):
        open_account(api, issuer.token("Tidemark.Command", key_id=f"invented-{number}"))
    assert issuer.requests == 1


def test_known_keys_outlive_an_issuer_that_is_down(api: httpx.Client, issuer: LocalIssuer, seconds: ManualTime) -> None:
    token = issuer.token("Tidemark.Command")
    assert open_account(api, token).status_code == 201
    issuer.down = True
    seconds.now += 25 * 3600
    assert open_account(api, token).status_code == 201


def test_an_issuer_that_never_answered_is_503_and_not_a_refusal(api: httpx.Client, issuer: LocalIssuer) -> None:
    issuer.down = True
    answer = open_account(api, issuer.token("Tidemark.Command"))
    assert (answer.status_code, answer.json()["code"]) == (503, "STORE_UNAVAILABLE")


def test_without_authentication_other_machines_are_refused(services: Dependencies) -> None:
    transport = AsgiThread(local.create_app(SERVICE, services), ("192.0.2.7", 1))
    with httpx.Client(transport=transport, base_url="http://localhost") as client:
        assert client.get("/accounts/alice").status_code == 401


@pytest.mark.parametrize("forwarded", ["203.0.113.9", "127.0.0.1, 203.0.113.9", "::1, 203.0.113.9"])
def test_without_authentication_a_proxy_on_this_machine_opens_no_door(services: Dependencies, forwarded: str) -> None:
    with served(local.create_app(SERVICE, services)) as url:  # type: ignore[arg-type]
        assert httpx.get(f"{url}/accounts/alice?wait_ms=0").status_code == 404
        answer = httpx.get(f"{url}/accounts/alice?wait_ms=0", headers={"X-Forwarded-For": forwarded})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "192.0.2.7", "example.org", "127.0.0.1.example.org", "::ffff:192.0.2.7", "0"]
)
@pytest.mark.parametrize("app", ["commands", "queries"])
def test_without_authentication_an_app_does_not_start_off_loopback(
    monkeypatch: pytest.MonkeyPatch, app: str, host: str
) -> None:
    monkeypatch.setenv("TIDEMARK_AUTH", "none")
    with pytest.raises(Unprotected, match="is not on loopback: set it to entra"):
        serve(SERVICE, app, host, 0, print)


@pytest.mark.parametrize("name", ["auth_issuer", "auth_audience", "auth_jwks_url"])
def test_authentication_that_is_not_configured_refuses_to_start(name: str) -> None:
    values = {"auth_issuer": ISSUER, "auth_audience": AUDIENCE, "auth_jwks_url": "http://127.0.0.1/keys"}
    settings = load(Settings, auth="entra", **{key: value for key, value in values.items() if key != name})
    with pytest.raises(SettingsError, match=f"TIDEMARK_{name.upper()} must be set"):
        authenticator(settings)
