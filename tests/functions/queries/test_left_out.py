"""Events that an operator left out of a view: queries go on, and an answer says what it lacks."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from azure.cosmos import CosmosClient

from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.views.dead_letters import all_dead_letters, dead_letters_of
from projectors.views.view import View
from tests.functions.conftest import Ledger

AT = datetime(2026, 3, 2, tzinfo=UTC)
SHOWN = {
    "account-summary": "/accounts/alice",
    "active-holds": "/accounts/alice/holds",
    "statement": "/accounts/alice/statement",
    "ledger-totals": "/totals?asset=EUR/2",
}


class Refusing:
    """Makes a view refuse one version of a stream."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, view: str, stream: str, version: int) -> None:
        kind = type(VIEWS[view])
        apply = kind.apply

        def refusing(this: View, change: Any, event: Any) -> None:
            if (event.originator_id, event.originator_version) == (stream, version):
                raise ValueError("not this one")
            apply(this, change, event)

        monkeypatch.setattr(kind, "apply", refusing)


@pytest.fixture
def stores(client: CosmosClient, database: str) -> Database:
    return Database.open(client, database)


def leave_out(stores: Database, worker: Worker, view: str, stream: str, version: int) -> None:
    assert worker.run_until_idle(20).idle
    drain = dead_letters_of(VIEWS[view], 1, views=stores.views, history=stores.history, mapper=stores.mapper)
    drain.drop(stream, version, by="olga", at=AT)
    assert drain.retry(stream) is None
    assert all_dead_letters(stores.views, view, 1) == []


def fill(ledger: Ledger) -> None:
    """Version 1 opens, 2 credits, 3 and 4 place holds, 5 captures the one, 6 releases the other."""
    ledger.open("alice", balance=100, owner="olga", name="Alice")
    for _ in range(2):
        assert ledger.post("/accounts/alice/holds", {"amount": 10, "reference": "a room"}).status_code == 201
    assert ledger.post("/accounts/alice/holds/1/capture").status_code == 200
    assert ledger.post("/accounts/alice/holds/2/release").status_code == 200


@pytest.mark.parametrize(
    ("view", "version"),
    [(view, version) for view in SHOWN for version in range(3 if view == "active-holds" else 1, 7)],
)
def test_a_view_goes_on_without_any_event_and_every_answer_out_of_it_says_so(
    api: httpx.Client,
    ledger: Ledger,
    worker: Worker,
    stores: Database,
    monkeypatch: pytest.MonkeyPatch,
    view: str,
    version: int,
) -> None:
    Refusing(monkeypatch, view, "account-alice", version)
    fill(ledger)
    leave_out(stores, worker, view, "account-alice", version)
    ledger.post("/accounts/alice/deposits", {"amount": 5})
    assert worker.run_until_idle(20).idle
    assert all_dead_letters(stores.views, view, 1) == []
    for name, address in SHOWN.items():
        answer = api.get(address)
        assert answer.status_code == 200, answer.text
        of_log = name == "account-summary"
        assert answer.json()["freshness"]["incomplete"] is (name == view and not of_log), address


def test_an_account_with_an_event_left_out_is_read_from_the_log(
    api: httpx.Client, ledger: Ledger, worker: Worker, stores: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Refusing(monkeypatch, "account-summary", "account-alice", 1)
    fill(ledger)
    leave_out(stores, worker, "account-summary", "account-alice", 1)
    found = api.get("/accounts/alice").json()
    assert found == api.get("/accounts/alice?consistency=strong").json()
    assert (found["owner"], found["name"], found["balance"], found["held"]) == ("olga", "Alice", 90, 0)


def test_a_balance_that_lacks_an_event_is_not_shown_as_if_it_were_right(
    api: httpx.Client, ledger: Ledger, worker: Worker, stores: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Refusing(monkeypatch, "statement", "account-alice", 5)
    fill(ledger)
    ledger.post("/accounts/alice/deposits", {"amount": 5})
    leave_out(stores, worker, "statement", "account-alice", 5)
    for address in ("/accounts/alice/statement", "/accounts/alice/statement/7"):
        freshness = api.get(address).json()["freshness"]
        assert (freshness["parked"], freshness["incomplete"]) == (False, True)


@pytest.mark.parametrize("version", [1, 2])
def test_a_transfer_with_an_event_left_out_shows_how_it_ended(
    api: httpx.Client,
    ledger: Ledger,
    worker: Worker,
    stores: Database,
    monkeypatch: pytest.MonkeyPatch,
    version: int,
) -> None:
    Refusing(monkeypatch, "transfer-status", "transfer-t1", version)
    ledger.open("alice", balance=100)
    ledger.open("bob")
    transfer = {"transfer_id": "t1", "source": "alice", "target": "bob", "amount": 5, "asset": "EUR/2"}
    assert ledger.post("/transfers", transfer | {"reference": "rent"}).status_code == 202
    leave_out(stores, worker, "transfer-status", "transfer-t1", version)
    answer = api.get("/transfers/t1")
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert [shown[name] for name in ("source", "target", "amount", "asset")] == ["alice", "bob", 5, "EUR/2"]
    assert (shown["transfer"], shown["reference"], shown["status"], shown["code"]) == ("t1", "rent", "completed", None)
    assert shown["freshness"]["incomplete"] is True
    assert datetime.fromisoformat(shown["requested_at"]) == datetime(2026, 3, 1, 12, tzinfo=UTC)
