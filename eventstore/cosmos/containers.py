"""The one definition of Tidemark's containers: their keys and what they index.

Local servers and tests create them from here; in Azure, Terraform does, and a test holds the two together.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from azure.cosmos import CosmosClient, PartitionKey


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """`partition_key` and `unique_keys` are paths (`/streamId`); `default_ttl` None means that nothing ever expires."""

    name: str
    partition_key: str
    indexing: dict[str, Any]
    unique_keys: tuple[str, ...] = ()
    default_ttl: int | None = None

    @property
    def unique_key_policy(self) -> dict[str, Any] | None:
        """The policy in the form of the REST API: each path is unique by itself within a partition key."""
        return {"uniqueKeys": [{"paths": [path]} for path in self.unique_keys]} if self.unique_keys else None


def _only(*paths: str) -> dict[str, Any]:
    """Index these paths and nothing else. Cosmos DB always adds the exclusion of `_etag`, `id` is always indexed."""
    return {
        "indexingMode": "consistent",
        "automatic": True,
        "includedPaths": [{"path": path} for path in paths],
        "excludedPaths": [{"path": "/*"}],
    }


EVENTS: Final = ContainerSpec(
    "events", "/streamId", _only("/id/?", "/streamId/?", "/commandId/?"), unique_keys=("/commandId",)
)
SNAPSHOTS: Final = ContainerSpec("snapshots", "/streamId", _only("/id/?", "/streamId/?"))
VIEWS: Final = ContainerSpec("views", "/pk", _only("/id/?", "/pk/?", "/stream/?", "/key/?", "/upto/?", "/left_out/?"))
"""What a view's own queries filter and sort by is indexed beside it: every indexed value is paid for at every write."""
LEASES: Final = ContainerSpec("leases", "/consumer", _only("/consumer/?", "/kind/?"))
KEYS: Final = ContainerSpec("keys", "/subject", _only("/subject/?"))


def _with(spec: ContainerSpec, indexed: Iterable[str]) -> ContainerSpec:
    known = [path["path"] for path in spec.indexing["includedPaths"]]
    return replace(spec, indexing=_only(*dict.fromkeys([*known, *indexed])))


def containers(indexed: Iterable[str] = ()) -> tuple[ContainerSpec, ...]:
    """All containers; `indexed` are the paths of items and states that views say they are asked by (`/data/hold/?`)."""
    return (EVENTS, SNAPSHOTS, _with(VIEWS, indexed), LEASES, KEYS)


CONTAINERS: Final = containers()
"""All containers, before any view says what it is asked by."""


def create_containers(client: CosmosClient, database: str, indexed: Iterable[str] = ()) -> None:
    """Create the database and its containers, those that are missing."""
    target = client.create_database_if_not_exists(database)
    for spec in containers(indexed):
        target.create_container_if_not_exists(
            spec.name,
            PartitionKey(path=spec.partition_key),
            indexing_policy=spec.indexing,
            unique_key_policy=spec.unique_key_policy,
            default_ttl=spec.default_ttl,
        )


def index_views(client: CosmosClient, database: str, indexed: Iterable[str]) -> bool:
    """Brings the index of the views' container up to what views are asked by now; whether it was not. In Azure,
    Terraform does it."""
    wanted = _with(VIEWS, indexed)
    target = client.get_database_client(database)
    policy = target.get_container_client(VIEWS.name).read()["indexingPolicy"]
    if {path["path"] for path in policy["includedPaths"]} == {
        path["path"] for path in wanted.indexing["includedPaths"]
    }:
        return False
    target.replace_container(VIEWS.name, PartitionKey(path=wanted.partition_key), indexing_policy=wanted.indexing)
    return True
