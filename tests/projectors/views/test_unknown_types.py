"""Events of a newer program: an older worker passes over none, and the newer one goes on where it stopped."""

import uuid
from typing import Any

import orjson
import pytest
from azure.cosmos import CosmosClient
from eventsourcing.utils import register_topic

from domain.aggregate import DomainEvent
from domain.ledger.account import Account, account_stream
from projectors.database import Database
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.dead_letters import all_dead_letters, dead_letters_of
from projectors.views.streams.view import Change, StreamView
from projectors.views.sums.view import Sums, SumView
from projectors.views.view import View, on
from tests.projectors.feeding import Ledger, rows


class Balances(StreamView):
    """Of an older program."""

    name = "balances"
    category = "account"

    @on(Account.FundsCredited)
    def credited(self, change: Change, event: Account.FundsCredited) -> None:
        change.state["balance"] = change.state.get("balance", 0) + event.amount


class Turnover(SumView):
    """Of an older program."""

    name = "turnover"
    category = "account"

    @on(Account.FundsCredited)
    def credited(self, sums: Sums, event: Account.FundsCredited) -> None:
        sums.add("all", amount=event.amount)


OLD: list[View] = [Balances(), Turnover()]


class Interest(DomainEvent):
    """Of a newer program. In the tests each has a `TOPIC` of its own, for what is registered stays so."""

    TOPIC = "account.interest-paid"

    amount: int

    class_version = 2

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        pass


class NewBalances(Balances):
    @on(Interest)
    def paid(self, change: Change, event: Interest) -> None:
        change.state["balance"] = change.state.get("balance", 0) + event.amount


class NewTurnover(Turnover):
    @on(Interest)
    def paid(self, sums: Sums, event: Interest) -> None:
        sums.add("all", amount=event.amount)


@pytest.fixture
def topic() -> str:
    return f"account.interest-paid-{uuid.uuid4().hex}"


@pytest.fixture
def stores(client: CosmosClient, database: str) -> Database:
    return Database.open(client, database)


def new_program(topic: str, monkeypatch: pytest.MonkeyPatch, *, schema: int = 2) -> list[View]:
    """What the newer program has: the class, registered, and views that handle it."""
    monkeypatch.setattr(Interest, "TOPIC", topic)
    monkeypatch.setattr(Interest, "class_version", schema)
    register_topic(topic, Interest)
    for view in (NewBalances, NewTurnover):
        monkeypatch.setattr(view, "types", frozenset({"account.funds-credited", topic}))
    return [NewBalances(), NewTurnover()]


def pay(ledger: Ledger, name: str, topic: str, amount: int, *, schema: int = 2) -> None:
    account = ledger.accounts[name]
    state = {"amount": amount, "timestamp": ledger.now().isoformat(), "class_version": schema}
    document = ledger.seal(account_stream(name), topic, orjson.dumps(state), uuid.uuid4().hex, schema)
    ledger.container.create_item(document)
    account._version += 1


def told(client: CosmosClient, database: str) -> tuple[dict[str, int], int]:
    """What the two views say: balances by stream, and what was turned over."""
    balances = {row["stream"]: row["state"].get("balance", 0) for row in rows(client, database, "balances")}
    return balances, sum(row["sums"]["amount"] for row in rows(client, database, "turnover") if "sums" in row)


def worked(client: CosmosClient, database: str, views: list[View], settings: WorkerSettings) -> None:
    assert Worker(client, database, views=views, settings=settings).run_until_idle(30).idle


@pytest.fixture
def mixed(client: CosmosClient, database: str, ledger: Ledger, settings: WorkerSettings, topic: str) -> None:
    """A log with an event that the old program, which then works it, does not know."""
    for name in ("alice", "bob"):
        ledger.open(name)
        ledger.deposit(name, 1)
    pay(ledger, "alice", topic, 10)
    ledger.deposit("alice", 100)
    ledger.deposit("bob", 1_000)
    worked(client, database, OLD, settings)


@pytest.mark.usefixtures("mixed")
def test_a_type_that_has_no_class_parks_its_stream_and_a_known_one_is_passed_over(
    client: CosmosClient, database: str, stores: Database, topic: str
) -> None:
    for view in ("balances", "turnover"):
        (found,) = all_dead_letters(stores.views, view, 1)
        assert (found.stream, found.version, found.upto, found.type) == ("account-alice", 2, 4, topic)
        assert found.reason.startswith("UnknownEventType: event 3 of stream account-alice has type")
    assert told(client, database) == ({"account-alice": 1, "account-bob": 1_001}, 1_002)


@pytest.mark.usefixtures("mixed")
def test_a_retry_by_the_newer_program_goes_on_where_the_older_one_stopped(
    client: CosmosClient, database: str, stores: Database, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for view in new_program(topic, monkeypatch):
        drain = dead_letters_of(view, 1, views=stores.views, history=stores.history, mapper=stores.mapper)
        assert drain.retry("account-alice") is None
    assert told(client, database) == ({"account-alice": 111, "account-bob": 1_001}, 1_112)


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("name", ["alice", "bob"])
def test_the_newer_program_goes_on_by_itself_whichever_stream_the_next_event_is_of(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    stores: Database,
    settings: WorkerSettings,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    views = new_program(topic, monkeypatch)
    ledger.deposit(name, 5)
    worked(client, database, views, settings)
    balances = {"account-alice": 111, "account-bob": 1_001}
    balances[f"account-{name}"] += 5
    assert told(client, database) == (balances, 1_117)
    assert [all_dead_letters(stores.views, view.name, 1) for view in views] == [[], []]


@pytest.mark.usefixtures("mixed")
def test_a_program_that_is_not_new_enough_leaves_it_waiting(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    stores: Database,
    settings: WorkerSettings,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has the class, of an older schema."""
    views = new_program(topic, monkeypatch, schema=1)
    ledger.deposit("alice", 5)
    worked(client, database, views, settings)
    for view in ("balances", "turnover"):
        assert [(found.version, found.upto, found.attempts) for found in all_dead_letters(stores.views, view, 1)] == [
            (2, 5, 1)
        ]


def test_a_stream_that_an_older_worker_parks_later_goes_on_with_its_next_event(
    client: CosmosClient,
    database: str,
    ledger: Ledger,
    settings: WorkerSettings,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The newer worker holds the range all the time, and has looked for what waits already."""
    ledger.open("alice")
    newer = Worker(client, database, views=[NewBalances()], settings=settings)
    older = Worker(client, database, views=[Balances()], settings=settings)
    ledger.deposit("alice", 1)
    assert newer.run_until_idle(30).idle
    pay(ledger, "alice", topic, 10)
    assert older.run_until_idle(30).idle
    new_program(topic, monkeypatch)
    monkeypatch.setattr("projectors.views.resumption.Resumption.run", lambda _: None)
    ledger.deposit("alice", 100)
    assert newer.run_until_idle(30).idle
    assert told(client, database)[0] == {"account-alice": 111}
