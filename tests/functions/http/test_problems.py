"""Every error is problem+json with a stable code, the framework's own included, and leaves nothing behind."""

from typing import Any

import httpx
import pytest

from domain.errors import DomainError, Refused
from functions.http.dependencies import Dependencies
from functions.http.problems import MEDIA_TYPE
from localazure.cosmos import LocalCosmos
from service import SERVICE
from tests.functions.conftest import Ledger

KEY = {"Idempotency-Key": "1"}
STANDARD = {"type", "title", "status", "detail", "instance", "code"}


def check(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    problem: dict[str, Any] = answer.json()
    assert set(problem) >= STANDARD
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    return problem


def refusals(root: type[DomainError]) -> list[type[DomainError]]:
    return [leaf for kind in root.__subclasses__() for leaf in (kind, *refusals(kind))]


@pytest.mark.parametrize("refusal", refusals(Refused), ids=lambda kind: kind.__name__)
def test_every_refusal_of_the_ledger_has_a_status(refusal: type[Refused]) -> None:
    assert 400 <= SERVICE.refusals[refusal.code] < 500


def test_an_unknown_place_is_404(api: httpx.Client) -> None:
    assert check(api.get("/nowhere"), 404, "NOT_FOUND")["instance"] == "/nowhere"
    check(api.post("/nowhere"), 404, "NOT_FOUND")


def test_a_method_that_is_not_there_is_405_and_says_which_are(api: httpx.Client) -> None:
    answer = api.patch("/accounts/alice/limits", headers=KEY)
    check(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "PUT"


def test_another_content_type_is_415(api: httpx.Client) -> None:
    answer = api.post("/accounts", content=b"<a/>", headers=KEY | {"Content-Type": "text/xml"})
    check(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_over_the_bound_is_413_whether_or_not_it_says_its_length(api: httpx.Client) -> None:
    large = b'{"account_id": "' + b"a" * 70_000 + b'"}'
    assert check(api.post("/accounts", content=large, headers=KEY), 413, "BODY_TOO_LARGE")["limit"] == 65_536
    check(api.post("/accounts", content=iter([large]), headers=KEY), 413, "BODY_TOO_LARGE")


def test_a_command_without_a_key_is_told_what_a_key_is(api: httpx.Client) -> None:
    problem = check(api.post("/accounts", json={"account_id": "a", "asset": "EUR/2"}), 400, "IDEMPOTENCY_KEY_MISSING")
    assert "Idempotency-Key" in problem["detail"]


@pytest.mark.parametrize("key", ["a/b", "", " ", "a" * 256, "tab\tin", "naïve"])
def test_a_key_that_is_none_is_refused(api: httpx.Client, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    check(api.post("/accounts", json={"account_id": "a", "asset": "EUR/2"}, headers=headers), 400, "INVALID_REQUEST")


@pytest.mark.parametrize("key", ["a", "a b", "!~", "a" * 255, "é".encode("unicode_escape").decode()])
def test_any_printable_key_without_a_slash_is_taken(api: httpx.Client, key: str) -> None:
    answer = api.post("/accounts", json={"account_id": "a", "asset": "EUR/2"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff",
        b'{"amount": 1.0}',
        b'{"amount": "1"}',
        b'{"amount": true}',
        b'{"amount": 0}',
        b'{"amount": -1}',
        b'{"amount": 1000000000000001}',
        b'{"amount": 1e2}',
        b'{"amount": NaN}',
        b'{"amount": ' + b"9" * 5000 + b"}",
        b"[" * 20_000,
        b'{"amount": 1, "unknown": 2}',
        b'{"amount": 1, "amount": 1}',
        b'{"amount": 1}{"amount": 2}',
        '{"amount": 1}'.encode("utf-16"),
        '{"amount": 1}'.encode("utf-32"),
        b'{"amount": 1, "effective_date": "2024-02-30"}',
        b'{"amount": 1, "effective_date": 0}',
        b'{"amount": 1, "effective_date": "2024-02-03T00:00:00"}',
        b'{"amount": 1, "reference": "a\\u0000b"}',
        b'{"amount": 1, "reference": "\\ud800"}',
        b'{"amount": 1, "reference": ""}',
    ],
)
def test_a_malformed_body_is_400_and_leaves_nothing(
    api: httpx.Client, services: Dependencies, ledger: Ledger, body: bytes
) -> None:
    ledger.open("alice")
    check(api.post("/accounts/alice/deposits", content=body, headers=KEY), 400, "INVALID_REQUEST")
    assert len(list(services.history.stream("account-alice"))) == 1
    assert list(services.history.outcomes("account-alice")) == []


@pytest.mark.parametrize("account", ["-a", "a" * 65, "a%20b", "%C3%A9", "a%00", ".", "a%0A"])
def test_an_id_is_checked_before_it_reaches_the_store(api: httpx.Client, account: str) -> None:
    answer = api.post(f"/accounts/{account}/deposits", json={"amount": 1}, headers=KEY)
    assert answer.status_code in (400, 404)
    assert answer.json()["code"] in ("INVALID_REQUEST", "NOT_FOUND")


@pytest.mark.parametrize("match", ["3", 'W/"3"', '"x"', '"1", "2"'])
def test_an_if_match_that_names_no_version_is_refused(ledger: Ledger, match: str) -> None:
    ledger.open("alice")
    answer = ledger.post("/accounts/alice/deposits", {"amount": 1}, **{"If-Match": match})
    check(answer, 400, "INVALID_REQUEST")


@pytest.mark.parametrize("name", ["Idempotency-Key", "If-Match"])
def test_a_header_that_is_given_twice_is_refused(
    api: httpx.Client, services: Dependencies, ledger: Ledger, name: str
) -> None:
    ledger.open("alice")
    headers = [("Idempotency-Key", "one"), ("If-Match", '"1"'), (name, '"7"')]
    answer = api.post("/accounts/alice/deposits", json={"amount": 1}, headers=headers)
    assert name in check(answer, 400, "INVALID_REQUEST")["detail"]
    assert len(list(services.history.stream("account-alice"))) == 1


@pytest.mark.parametrize("path", ["/accounts/alice/statement?", "/totals?asset=EUR/2&"])
def test_a_period_that_ends_before_it_begins_is_400_and_not_empty(api: httpx.Client, path: str) -> None:
    check(api.get(f"{path}from=2026-02-01&to=2026-01-31"), 400, "INVALID_REQUEST")


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "cursor=abc", "cursor=%20", "order=up", "from=x"])
def test_a_malformed_query_is_400(api: httpx.Client, query: str) -> None:
    check(api.get(f"/accounts/alice/statement?{query}"), 400, "INVALID_REQUEST")


def test_a_command_that_makes_no_sense_is_400_and_leaves_nothing(services: Dependencies, ledger: Ledger) -> None:
    ledger.open("alice", balance=5)
    answer = ledger.post("/accounts/alice/holds", {"amount": 1, "expires_at": "2020-01-01T00:00:00Z"})
    check(answer, 400, "INVALID_REQUEST")
    assert list(services.history.outcomes("account-alice")) == []


def test_values_are_not_repeated_in_problems(api: httpx.Client) -> None:
    answer = api.post("/accounts", json={"account_id": "a", "asset": "secret-word"}, headers=KEY)
    check(answer, 400, "INVALID_REQUEST")
    assert "secret-word" not in answer.text


def test_an_unexpected_failure_is_500_without_its_reason(
    api: httpx.Client, services: Dependencies, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(type(services.store), "load", fail)
    answer = api.get("/accounts/alice?consistency=strong")
    check(answer, 500, "INTERNAL_ERROR")
    assert "secret" not in answer.text
    assert "a secret of the inside" in caplog.text


@pytest.mark.parametrize(("status", "code"), [(429, "STORE_BUSY"), (503, "STORE_UNAVAILABLE")])
@pytest.mark.parametrize("container", ["events", "views"])
def test_a_database_that_does_not_serve_a_read_is_503_with_retry_after(
    api: httpx.Client, cosmos: LocalCosmos, status: int, code: str, container: str, caplog: pytest.LogCaptureFixture
) -> None:
    cosmos.faults.add(status=status, retry_after_ms=1, container=container)
    consistency = "strong" if container == "events" else "eventual"
    answer = api.get(f"/accounts/alice?consistency={consistency}")
    check(answer, 503, code)
    assert answer.headers["Retry-After"] == "1"
    assert status == 503 or not caplog.records  # throttling is ordinary


def test_a_command_that_cannot_load_for_throttling_is_busy(ledger: Ledger, cosmos: LocalCosmos) -> None:
    fault = cosmos.faults.add(status=429, retry_after_ms=1, container="events", operation="query")
    check(ledger.post("/accounts/alice/deposits", {"amount": 1}), 503, "STORE_BUSY")
    assert fault.fired > 0


def test_readiness_names_what_is_not_ready(api: httpx.Client, cosmos: LocalCosmos) -> None:
    cosmos.faults.add(status=429, retry_after_ms=1, container="events")
    answer = api.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["views"] == "ok"
    assert answer.json()["checks"]["log"] != "ok"
