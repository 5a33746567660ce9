"""Terraform makes the containers that the code expects, no more and no less."""

import json
from typing import Any

import pytest

from infra.container_definitions import FILE, definitions
from tests.infra.paths import TERRAFORM


@pytest.fixture
def terraform() -> dict[str, Any]:
    containers: dict[str, Any] = json.loads(FILE.read_text())
    return containers


def test_containers_are_the_same_in_azure_and_on_this_machine(terraform: dict[str, Any]) -> None:
    assert terraform == definitions(), "out of date: run python -m infra.container_definitions"


def test_azure_has_one_container_more_which_the_trigger_needs(terraform: dict[str, Any]) -> None:
    assert terraform["trigger-leases"]["partition_key"] == "/id"
    assert terraform["trigger-leases"]["included_paths"] == ["/*"]


def test_production_sizes_only_containers_that_exist(terraform: dict[str, Any]) -> None:
    text = (TERRAFORM / "envs" / "prod.tfvars").read_text()
    block = text[text.index("max_throughput = {") : text.index("event_hubs = {")]
    sized = {line.split("=")[0].strip() for line in block.splitlines()[1:] if "=" in line}
    assert sized == set(terraform)
