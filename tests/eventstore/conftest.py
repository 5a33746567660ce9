"""What the event store's tests share."""

from collections.abc import Callable, Iterator

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy

from devkit.cosmos import LocalCosmos, RunningServer, serve
from eventstore.commands import CommandStore
from eventstore.containers import EVENTS
from eventstore.history import History
from eventstore.mapper import Mapper
from tests.eventstore.purse import PurseSnapshot, Refused, fold

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
def server(cosmos: LocalCosmos) -> Iterator[RunningServer]:
    """The local server over HTTP."""
    with serve(cosmos) as running:
        yield running


@pytest.fixture
def environment(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What an application of the eventsourcing library needs, in the process's environment too."""
    values = {"PERSISTENCE_MODULE": "eventstore", "COSMOS_ENDPOINT": server.endpoint}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values
