"""Commands over HTTP: what they answer, once and again."""

import httpx
import pytest

from eventstore.log.history import History
from functions.http.dependencies import Dependencies
from tests.functions.conftest import Ledger


def events(services: Dependencies, stream: str) -> int:
    history: History = services.history
    return sum(1 for _ in history.stream(stream))


def test_opening_an_account_answers_201_with_its_place_and_version(api: httpx.Client) -> None:
    answer = api.post("/accounts", json={"account_id": "alice", "asset": "EUR/2"}, headers={"Idempotency-Key": "1"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/accounts/alice"
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Tidemark-Position"]
    assert "Idempotency-Replayed" not in answer.headers
    assert answer.json() == {
        "account_id": "alice",
        "version": 1,
        "asset": "EUR/2",
        "balance": 0,
        "available": 0,
        "status": "open",
    }


def test_a_body_as_curl_sends_it_by_itself_is_read_as_json(api: httpx.Client, ledger: Ledger) -> None:
    ledger.open("alice")
    headers = {"Idempotency-Key": "1", "Content-Type": "application/x-www-form-urlencoded"}
    answer = api.post("/accounts/alice/deposits", content=b'{"amount": 500}', headers=headers)
    assert answer.status_code == 201
    assert answer.json()["balance"] == 500


@pytest.mark.parametrize("kind", ["", "application/json", "application/json; charset=utf-8", "application/vnd.x+json"])
def test_json_is_taken_under_each_of_its_names(api: httpx.Client, ledger: Ledger, kind: str) -> None:
    ledger.open("alice")
    headers = {"Idempotency-Key": "1"} | ({"Content-Type": kind} if kind else {})
    assert api.post("/accounts/alice/deposits", content=b'{"amount": 5}', headers=headers).status_code == 201


def test_a_withdrawal_of_too_much_says_how_much_is_available(ledger: Ledger) -> None:
    ledger.open("alice", balance=500)
    answer = ledger.post("/accounts/alice/withdrawals", {"amount": 50_000})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "INSUFFICIENT_FUNDS"
    assert problem["available"] == 500
    assert problem["status"] == 422
    assert problem["instance"] == "/accounts/alice/withdrawals"
    assert problem["type"] == "urn:tidemark:problem:insufficient-funds"


def test_a_repeated_key_answers_the_same_and_adds_no_event(services: Dependencies, ledger: Ledger) -> None:
    ledger.open("alice")
    first = ledger.post("/accounts/alice/deposits", {"amount": 500}, **{"Idempotency-Key": "again"})
    ledger.post("/accounts/alice/deposits", {"amount": 1})
    second = ledger.post("/accounts/alice/deposits", {"amount": 500}, **{"Idempotency-Key": "again"})
    assert second.status_code == 201
    assert second.json() == first.json()
    assert second.headers["ETag"] == first.headers["ETag"]
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert events(services, "account-alice") == 3


def test_a_refusal_stays_a_refusal_for_its_key(ledger: Ledger) -> None:
    ledger.open("alice")
    key = {"Idempotency-Key": "too-early"}
    first = ledger.post("/accounts/alice/withdrawals", {"amount": 5}, **key)
    ledger.post("/accounts/alice/deposits", {"amount": 500})
    second = ledger.post("/accounts/alice/withdrawals", {"amount": 5}, **key)
    assert first.status_code == second.status_code == 422
    assert second.json() == first.json()
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_key_with_another_body_is_refused(ledger: Ledger) -> None:
    ledger.open("alice")
    key = {"Idempotency-Key": "one"}
    ledger.post("/accounts/alice/deposits", {"amount": 5}, **key)
    answer = ledger.post("/accounts/alice/deposits", {"amount": 6}, **key)
    assert answer.status_code == 422
    assert answer.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_key_with_another_command_and_the_same_body_is_refused(ledger: Ledger) -> None:
    ledger.open("alice", balance=10)
    key = {"Idempotency-Key": "one"}
    ledger.post("/accounts/alice/deposits", {"amount": 5}, **key)
    answer = ledger.post("/accounts/alice/withdrawals", {"amount": 5}, **key)
    assert answer.json()["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_if_match_lets_a_command_through_only_at_that_version(ledger: Ledger) -> None:
    ledger.open("alice")
    key = {"Idempotency-Key": "conditional"}
    answer = ledger.post("/accounts/alice/deposits", {"amount": 5}, **key, **{"If-Match": '"7"'})
    assert answer.status_code == 412
    assert answer.json()["code"] == "VERSION_MISMATCH"
    again = ledger.post("/accounts/alice/deposits", {"amount": 5}, **key, **{"If-Match": '"1"'})
    assert again.status_code == 201
    assert "Idempotency-Replayed" not in again.headers


def test_a_command_on_an_account_that_was_never_opened_is_404(ledger: Ledger) -> None:
    answer = ledger.post("/accounts/nobody/deposits", {"amount": 5})
    assert answer.status_code == 404
    assert answer.json()["code"] == "ACCOUNT_NOT_FOUND"


def test_holds_are_placed_captured_in_part_and_released(ledger: Ledger) -> None:
    ledger.open("alice", balance=1000)
    placed = ledger.post("/accounts/alice/holds", {"amount": 600, "expires_at": "2026-04-01T00:00:00Z"})
    assert placed.status_code == 201
    assert placed.headers["Location"] == "/accounts/alice/holds/1"
    assert (placed.json()["hold_id"], placed.json()["balance"], placed.json()["available"]) == (1, 1000, 400)
    captured = ledger.post("/accounts/alice/holds/1/capture", {"amount": 250})
    assert (captured.status_code, captured.json()["balance"], captured.json()["available"]) == (200, 750, 750)
    again = ledger.post("/accounts/alice/holds/1/release")
    assert (again.status_code, again.json()["code"]) == (409, "HOLD_NOT_ACTIVE")
    ledger.post("/accounts/alice/holds", {"amount": 100})
    released = ledger.post("/accounts/alice/holds/2/release", {})
    assert (released.status_code, released.json()["available"]) == (200, 750)
    assert ledger.post("/accounts/alice/holds/9/capture").json()["code"] == "HOLD_NOT_FOUND"


def test_a_hold_without_an_amount_to_capture_is_captured_whole(ledger: Ledger) -> None:
    ledger.open("alice", balance=1000)
    ledger.post("/accounts/alice/holds", {"amount": 600})
    assert ledger.post("/accounts/alice/holds/1/capture").json()["balance"] == 400


def test_capturing_more_than_the_hold_is_refused_with_both_amounts(ledger: Ledger) -> None:
    ledger.open("alice", balance=1000)
    ledger.post("/accounts/alice/holds", {"amount": 600})
    problem = ledger.post("/accounts/alice/holds/1/capture", {"amount": 601}).json()
    assert (problem["code"], problem["status"], problem["amount"]) == ("CAPTURE_EXCEEDS_HOLD", 422, 601)


def test_a_frozen_account_takes_credits_and_no_debits_until_it_is_unfrozen(ledger: Ledger) -> None:
    ledger.open("alice", balance=100)
    frozen = ledger.post("/accounts/alice/freeze", {"reason": "court order"})
    assert (frozen.status_code, frozen.json()["status"]) == (200, "frozen")
    assert ledger.post("/accounts/alice/withdrawals", {"amount": 1}).json()["code"] == "ACCOUNT_FROZEN"
    assert ledger.post("/accounts/alice/deposits", {"amount": 1}).status_code == 201
    assert ledger.post("/accounts/alice/unfreeze", {"reason": "lifted"}).json()["status"] == "open"
    assert ledger.post("/accounts/alice/withdrawals", {"amount": 1}).status_code == 201


def test_freezing_what_is_frozen_is_done_and_adds_nothing(services: Dependencies, ledger: Ledger) -> None:
    ledger.open("alice")
    ledger.post("/accounts/alice/freeze", {"reason": "court order"})
    again = ledger.post("/accounts/alice/freeze", {"reason": "court order"})
    assert (again.status_code, again.json()["version"]) == (200, 2)
    assert events(services, "account-alice") == 2


def test_limits_bind_debits_and_are_lifted_when_left_out(ledger: Ledger) -> None:
    ledger.open("alice", balance=1000)
    assert ledger.put("/accounts/alice/limits", {"per_debit": 100, "per_day": 150}).status_code == 200
    assert ledger.post("/accounts/alice/withdrawals", {"amount": 101}).json()["code"] == "LIMIT_EXCEEDED"
    assert ledger.post("/accounts/alice/withdrawals", {"amount": 100}).status_code == 201
    assert ledger.post("/accounts/alice/withdrawals", {"amount": 51}).json()["code"] == "LIMIT_EXCEEDED"
    ledger.put("/accounts/alice/limits", {})
    assert ledger.post("/accounts/alice/withdrawals", {"amount": 900}).status_code == 201


def test_an_account_closes_at_zero_only(ledger: Ledger) -> None:
    ledger.open("alice", balance=5)
    refused = ledger.post("/accounts/alice/close", {"reason": "moved away"})
    assert (refused.status_code, refused.json()["code"], refused.json()["balance"]) == (409, "ACCOUNT_NOT_EMPTY", 5)
    ledger.post("/accounts/alice/withdrawals", {"amount": 5})
    assert ledger.post("/accounts/alice/close", {"reason": "moved away"}).json()["status"] == "closed"
    assert ledger.post("/accounts/alice/deposits", {"amount": 5}).json()["code"] == "ACCOUNT_CLOSED"


def test_a_transfer_is_accepted_with_an_id_that_follows_from_its_key(ledger: Ledger) -> None:
    body = {"source": "alice", "target": "bob", "amount": 5, "asset": "EUR/2"}
    first = ledger.post("/transfers", body, **{"Idempotency-Key": "rent"})
    second = ledger.post("/transfers", body, **{"Idempotency-Key": "rent"})
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    assert first.json()["status"] == "requested"
    assert first.headers["Location"] == f"/transfers/{first.json()['transfer_id']}"
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_transfer_keeps_the_id_that_the_client_chose(ledger: Ledger) -> None:
    body = {"transfer_id": "t-1", "source": "alice", "target": "bob", "amount": 5, "asset": "EUR/2"}
    assert ledger.post("/transfers", body).json()["transfer_id"] == "t-1"
    assert ledger.post("/transfers", body).json()["code"] == "TRANSFER_EXISTS"
    assert ledger.post("/transfers", body | {"target": "alice", "transfer_id": "t-2"}).json()["code"] == "SAME_ACCOUNT"


def test_the_facts_around_a_command_are_kept_with_its_event(services: Dependencies, ledger: Ledger) -> None:
    ledger.open("alice")
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"traceparent": traceparent, "X-Correlation-ID": "story-1"}
    ledger.post("/accounts/alice/freeze", {"reason": "court order"}, **headers)
    meta = list(services.history.stream("account-alice"))[-1].meta
    assert meta["actor"] == "local:anonymous"
    assert services.personal.text(meta["reason"]) == "court order"
    assert meta["correlation"] == "story-1"
    assert meta["traceparent"].split("-")[1] == traceparent.split("-")[1]
    assert meta["recorded_at"].startswith("2026-03-01T12:00:00")
