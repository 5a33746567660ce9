"""An empty container of a fresh account, reached by the real SDK in process."""

import pytest
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey


@pytest.fixture
def db(client: CosmosClient) -> DatabaseProxy:
    return client.create_database("db")


@pytest.fixture
def container(db: DatabaseProxy) -> ContainerProxy:
    return db.create_container("c", PartitionKey(path="/pk"))
