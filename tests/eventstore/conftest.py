"""What the event store's tests share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.paging import ItemPaged
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy

from eventstore.commands.store import Command, CommandStore, Outcome
from eventstore.cosmos.containers import EVENTS
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from localazure.cosmos import LocalCosmos, RunningServer, serve
from tests.eventstore.purse import Purse, PurseSnapshot, Refused, fold

STREAM = "purse-a"
NewStore = Callable[..., CommandStore]


@pytest.fixture
def tables(client: CosmosClient, database: str) -> DatabaseProxy:
    return client.get_database_client(database)


@pytest.fixture
def events(tables: DatabaseProxy) -> ContainerProxy:
    return tables.get_container_client(EVENTS.name)


@pytest.fixture
def history(events: ContainerProxy) -> History:
    return History(events)


@pytest.fixture
def new_store(cosmos: LocalCosmos, database: str) -> NewStore:
    """Makes command stores as separate processes would have them: nothing is shared but the database."""

    def make(**options: object) -> CommandStore:
        tables = cosmos.client(no_response_on_write=True).get_database_client(database)
        given = {"mapper": Mapper(), "fold": fold, "refusals": Refused, "snapshot_class": PurseSnapshot} | options
        store = CommandStore(tables, **given)  # type: ignore[arg-type]
        store.warm_up()
        return store

    return make


@pytest.fixture
def store(new_store: NewStore) -> CommandStore:
    return new_store()


@pytest.fixture
def other(new_store: NewStore) -> CommandStore:
    """A second process."""
    return new_store()


@pytest.fixture
def server(cosmos: LocalCosmos) -> Iterator[RunningServer]:
    """The local server over HTTP."""
    with serve(cosmos) as running:
        yield running


@pytest.fixture
def lagging_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    let_lag(monkeypatch)


def let_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries that ask for no session miss the last document that they find, as a replica may that lags behind."""
    query_items = ContainerProxy.query_items

    def lagging(container: ContainerProxy, *arguments: Any, **options: Any) -> Any:
        weak = options.get("feed_options", {}).get("consistencyLevel") == "Eventual"
        documents = query_items(container, *arguments, **options)
        if not weak:
            return documents
        all_but_last = sorted(documents, key=lambda each: str(each["id"]))[:-1]
        return ItemPaged(lambda _: all_but_last, lambda page: (None, page))

    monkeypatch.setattr(ContainerProxy, "query_items", lagging)


def let_reads_of_the_last_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries up to a version that ask for no session miss that version, as on a replica that lags one event behind."""
    query_items = ContainerProxy.query_items

    def lagging(container: ContainerProxy, query: str, *arguments: Any, **options: Any) -> Any:
        if options.get("feed_options", {}).get("consistencyLevel") == "Eventual":
            high = next(each for each in options["parameters"] if each["name"] == "@high")
            high["value"] = f"{int(high['value']) - 1:010d}"
        return query_items(container, query, *arguments, **options)

    monkeypatch.setattr(ContainerProxy, "query_items", lagging)


def facts(purse: Purse) -> dict[str, int]:
    return {"balance": purse.balance}


def open_purse(store: CommandStore, *, balance: int = 0, stream: str = STREAM, key: str = "open") -> Outcome:
    def decide(purse: Purse | None) -> Purse:
        if purse is not None:
            raise Refused("EXISTS", f"{stream} is open")
        opened = Purse.open(stream)
        return opened.pay_in(balance) if balance else opened

    return store.execute(stream, Command(key, "open"), decide, answer=facts)


def pay_in(store: CommandStore, amount: int, key: str, stream: str = STREAM, **options: int) -> Outcome:
    return store.execute(
        stream, Command(key, f"in {amount}"), lambda p: _there(p).pay_in(amount), answer=facts, **options
    )


def pay_out(store: CommandStore, amount: int, key: str, stream: str = STREAM, **options: int) -> Outcome:
    return store.execute(
        stream, Command(key, f"out {amount}"), lambda p: _there(p).pay_out(amount), answer=facts, **options
    )


def _there(purse: Purse | None) -> Purse:
    if purse is None:
        raise Refused("NO_PURSE", "nothing was opened")
    return purse
