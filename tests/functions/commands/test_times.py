"""Times over HTTP: whatever their offset, they are kept in UTC, and one that has no place there is refused."""

import json
from typing import Any

import httpx
import pytest

from functions.http.dependencies import Dependencies
from projectors.processor.worker import Worker
from tests.functions.conftest import Ledger


def placed(services: Dependencies) -> list[Any]:
    events = services.history.stream("account-alice")
    return [json.loads(event.state) for event in events if event.type == "account.hold-placed"]


@pytest.mark.parametrize(
    "time",
    [
        "9999-12-31T23:59:59-05:00",
        "9999-12-31T23:59:59.999999-00:01",
        "0001-01-01T00:00:00+14:00",
        "2026-03-02T12:00:00",
        "2026-03-02",
    ],
)
def test_a_time_that_has_no_place_in_utc_is_refused_and_nothing_is_recorded(
    ledger: Ledger, services: Dependencies, time: str
) -> None:
    ledger.open("alice", balance=100)
    answer = ledger.post("/accounts/alice/holds", {"amount": 10, "expires_at": time})
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST"), answer.text
    assert "body.expires_at" in answer.json()["detail"]
    assert placed(services) == []


@pytest.mark.parametrize(
    ("time", "kept"),
    [
        ("2026-03-02T12:30:00+14:00", "2026-03-01T22:30:00+00:00"),
        ("2026-03-02T00:00:00Z", "2026-03-02T00:00:00+00:00"),
        ("9999-12-31T23:59:59+05:00", "9999-12-31T18:59:59+00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
    ],
)
def test_a_time_with_an_offset_is_kept_in_utc(
    api: httpx.Client, ledger: Ledger, services: Dependencies, worker: Worker, time: str, kept: str
) -> None:
    ledger.open("alice", balance=100)
    assert ledger.post("/accounts/alice/holds", {"amount": 10, "expires_at": time}).status_code == 201
    assert [event["expires_at"] for event in placed(services)] == [kept]
    assert worker.run_until_idle(20).idle
    (hold,) = api.get("/accounts/alice/holds").json()["data"]
    assert hold["expires_at"] == kept.replace("+", ".000000+")
