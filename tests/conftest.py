"""Fixtures for every room: a fresh local Cosmos DB in memory, reached by the real SDK in process."""

from collections import Counter
from collections.abc import Iterator

import pytest
from azure.cosmos import CosmosClient
from hypothesis import Phase, settings

from eventstore.cosmos.client import mended
from eventstore.cosmos.containers import create_containers
from localazure.cosmos import LocalCosmos
from projectors.ledger import VIEWS

settings.register_profile("unshrunk", phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""For whoever only asks whether a test fails: `--hypothesis-profile unshrunk`."""


@pytest.fixture
def cosmos() -> Iterator[LocalCosmos]:
    with LocalCosmos() as server:
        yield server


@pytest.fixture
def client(cosmos: LocalCosmos) -> CosmosClient:
    return mended(cosmos.client())


@pytest.fixture
def database(client: CosmosClient) -> str:
    """The name of a database that holds Tidemark's containers, all empty."""
    create_containers(client, "tidemark", VIEWS.indexed)
    return "tidemark"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of few tests first, for those are the long ones: processes that share the files end together."""
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: sizes[item.path])
