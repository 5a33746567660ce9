"""Fixtures for the change feed processor and its views."""

import pytest
from azure.cosmos import CosmosClient

from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from tests.projectors.feeding import Ledger


@pytest.fixture
def ledger(client: CosmosClient, database: str) -> Ledger:
    return Ledger(client.get_database_client(database).get_container_client("events"))


@pytest.fixture
def settings() -> WorkerSettings:
    """Everything in the test's own thread, one request after the other."""
    return WorkerSettings(parallel=0, refresh=0.05, idle_max=0.05, retry_min=0.01)


@pytest.fixture
def worker(client: CosmosClient, database: str, settings: WorkerSettings) -> Worker:
    return Worker(client, database, settings=settings, views=VIEWS.values())
