"""Terraform makes the containers that the code expects, no more and no less."""

import json
from typing import Any

import pytest

from eventstore.cosmos.containers import CONTAINERS, ContainerSpec
from tests.infra.paths import TERRAFORM

TRIGGER_LEASES = {
    "partition_key": "/id",  # what the Cosmos DB trigger demands of its own leases
    "unique_keys": [],
    "included_paths": ["/*"],
    "excluded_paths": [],
    "default_ttl": None,
}


@pytest.fixture
def terraform() -> dict[str, Any]:
    containers: dict[str, Any] = json.loads((TERRAFORM / "modules" / "cosmos" / "containers.json").read_text())
    return containers


def as_terraform(spec: ContainerSpec) -> dict[str, Any]:
    assert spec.indexing["indexingMode"] == "consistent"
    return {
        "partition_key": spec.partition_key,
        "unique_keys": list(spec.unique_keys),
        "included_paths": [path["path"] for path in spec.indexing["includedPaths"]],
        "excluded_paths": [path["path"] for path in spec.indexing["excludedPaths"]],
        "default_ttl": spec.default_ttl,
    }


@pytest.mark.parametrize("spec", CONTAINERS, ids=lambda spec: spec.name)
def test_a_container_is_the_same_in_azure_and_on_this_machine(spec: ContainerSpec, terraform: dict[str, Any]) -> None:
    assert terraform[spec.name] == as_terraform(spec)


def test_azure_has_one_container_more_which_the_trigger_needs(terraform: dict[str, Any]) -> None:
    assert terraform.pop("trigger-leases") == TRIGGER_LEASES
    assert set(terraform) == {spec.name for spec in CONTAINERS}


def test_production_sizes_only_containers_that_exist(terraform: dict[str, Any]) -> None:
    text = (TERRAFORM / "envs" / "prod.tfvars").read_text()
    block = text[text.index("max_throughput = {") : text.index("event_hubs = {")]
    sized = {line.split("=")[0].strip() for line in block.splitlines()[1:] if "=" in line}
    assert sized == set(terraform)
