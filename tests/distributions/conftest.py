"""The three wheels, each built once and only if a test asks for it."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest

from infra.distributions import build
from tests.distributions.environment import Environment, create

Wheel = Callable[[str], Path]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    """wheel(name): the built wheel of a distribution."""

    @lru_cache
    def built(name: str) -> Path:
        (path,) = build(tmp_path_factory.mktemp("dist"), [name])
        return path

    return built


@pytest.fixture(scope="session")
def libraries(wheel: Wheel, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`tidemark-eventstore` and `tidemark-local`, with pytest and the SDKs that a user of the second has."""
    wheels = [wheel("tidemark-eventstore"), wheel("tidemark-local")]
    return create(tmp_path_factory.mktemp("libraries"), wheels, also=["azure-cosmos", "azure-eventhub", "pytest"])


@pytest.fixture(scope="session")
def service(wheel: Wheel, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """`tidemark-ledger` alone."""
    return create(tmp_path_factory.mktemp("service"), [wheel("tidemark-ledger")])
