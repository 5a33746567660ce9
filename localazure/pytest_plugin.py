"""Fixtures for pytest: a running Cosmos DB and a running Event Hubs, empty for each test.

    cosmos_account        LocalCosmos: `faults`, `log`, `split()`, `client()`
    cosmos_client         Microsoft's CosmosClient on that account, in process
    cosmos_server         the same account over HTTP, for async clients, other processes and other languages
    eventhubs_namespace   RunningServer of Event Hubs: `connection_string(hub)`, `faults`, `events(hub)`

Each has a twin that lives as long as the test session (session_cosmos_account …). How they are set up is said by two
fixtures that a project overrides: `cosmos_partitions` and `eventhubs_hubs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from azure.cosmos import CosmosClient

    from localazure.cosmos import LocalCosmos
    from localazure.cosmos import RunningServer as CosmosServer
    from localazure.eventhubs import RunningServer as EventHubsServer

# Servers and SDKs are imported by the fixtures: a test session that asks for none pays for none.

_PARTITIONS_OF_ANY_HUB = 4


@pytest.fixture(scope="session")
def cosmos_partitions() -> int:
    """How many physical partitions a new container has; override it to test across partitions."""
    return 1


@pytest.fixture(scope="session")
def eventhubs_hubs() -> Mapping[str, int]:
    """Hubs and their numbers of partitions; override it, or any hub is made on first use, with four."""
    return {}


@pytest.fixture
def cosmos_account(cosmos_partitions: int) -> Iterator[LocalCosmos]:
    """A Cosmos DB account in memory, empty, for one test."""
    with _account(cosmos_partitions) as account:
        yield account


@pytest.fixture
def cosmos_client(cosmos_account: LocalCosmos) -> CosmosClient:
    """A client of `cosmos_account`, without a socket between."""
    return cosmos_account.client()


@pytest.fixture
def cosmos_server(cosmos_account: LocalCosmos) -> Iterator[CosmosServer]:
    """`cosmos_account` over HTTP on a free port of this machine: `endpoint`, `key`, `connection_string`."""
    with _serving(cosmos_account) as server:
        yield server


@pytest.fixture
def eventhubs_namespace(eventhubs_hubs: Mapping[str, int]) -> Iterator[EventHubsServer]:
    """An Event Hubs namespace in memory, without events, for one test, on a free port of this machine."""
    with _namespace(eventhubs_hubs) as server:
        yield server


@pytest.fixture(scope="session")
def session_cosmos_account(cosmos_partitions: int) -> Iterator[LocalCosmos]:
    """A Cosmos DB account in memory that all tests share."""
    with _account(cosmos_partitions) as account:
        yield account


@pytest.fixture(scope="session")
def session_cosmos_client(session_cosmos_account: LocalCosmos) -> CosmosClient:
    """A client of `session_cosmos_account`, without a socket between."""
    return session_cosmos_account.client()


@pytest.fixture(scope="session")
def session_cosmos_server(session_cosmos_account: LocalCosmos) -> Iterator[CosmosServer]:
    """`session_cosmos_account` over HTTP on a free port of this machine."""
    with _serving(session_cosmos_account) as server:
        yield server


@pytest.fixture(scope="session")
def session_eventhubs_namespace(eventhubs_hubs: Mapping[str, int]) -> Iterator[EventHubsServer]:
    """An Event Hubs namespace in memory that all tests share."""
    with _namespace(eventhubs_hubs) as server:
        yield server


def _account(partitions: int) -> LocalCosmos:
    from localazure.cosmos import LocalCosmos

    return LocalCosmos(partitions=partitions)


def _serving(account: LocalCosmos) -> CosmosServer:
    from localazure.cosmos import serve

    return serve(account)


@contextmanager
def _namespace(hubs: Mapping[str, int]) -> Iterator[EventHubsServer]:
    from localazure.eventhubs import LocalEventHubs, serve

    any_hub = {} if hubs else {"*": _PARTITIONS_OF_ANY_HUB}
    with LocalEventHubs(hubs=hubs, auto_create=any_hub) as namespace, serve(namespace) as server:
        yield server
