"""Fixtures for rebuilds, verification and the command line."""

import pytest
from azure.cosmos import CosmosClient

from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from tests.replay.replaying import History


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(parallel=0, page=25, retry_min=0.005, refresh=0.05, idle_min=0.005, idle_max=0.05)


@pytest.fixture
def history(client: CosmosClient, database: str) -> History:
    return History(client.get_database_client(database).get_container_client("events"))


@pytest.fixture
def stores(client: CosmosClient, database: str) -> Database:
    return Database.open(client, database)


@pytest.fixture
def served(client: CosmosClient, database: str, history: History, settings: WorkerSettings) -> Worker:
    """All views caught up with a small history; the worker to catch up again."""
    history.write(60)
    worker = Worker(client, database, settings=settings, views=VIEWS.values())
    assert worker.run_until_idle(30).idle
    return worker
