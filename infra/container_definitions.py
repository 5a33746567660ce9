"""Writes the containers that Terraform makes, from the code: python -m infra.container_definitions."""

import json
from pathlib import Path
from typing import Any, Final

from eventstore.cosmos.containers import ContainerSpec, containers
from service import SERVICE

__all__ = ["FILE", "definitions", "main"]

FILE: Final = Path(__file__).parent / "terraform" / "modules" / "cosmos" / "containers.json"

_OF_THE_TRIGGER: Final[dict[str, Any]] = {
    "partition_key": "/id",  # what the Cosmos DB trigger demands of its own leases
    "unique_keys": [],
    "included_paths": ["/*"],
    "excluded_paths": [],
    "default_ttl": None,
}


def definitions() -> dict[str, dict[str, Any]]:
    """By name, as they belong into FILE; the views' index is what the service's views are asked by."""
    own = {spec.name: _definition(spec) for spec in containers(SERVICE.views.indexed)}
    return {**own, "trigger-leases": _OF_THE_TRIGGER}


def main() -> None:
    FILE.write_text(json.dumps(definitions(), indent=2) + "\n", encoding="utf-8")


def _definition(spec: ContainerSpec) -> dict[str, Any]:
    return {
        "partition_key": spec.partition_key,
        "unique_keys": list(spec.unique_keys),
        "included_paths": [path["path"] for path in spec.indexing["includedPaths"]],
        "excluded_paths": [path["path"] for path in spec.indexing["excludedPaths"]],
        "default_ttl": spec.default_ttl,
    }


if __name__ == "__main__":
    main()
