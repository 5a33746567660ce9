"""The one definition of Tidemark's containers: their keys and what they index.

Local servers and tests create them from here; in Azure, Terraform does, and a test holds the two together.
"""

from dataclasses import dataclass
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
VIEWS: Final = ContainerSpec(
    "views",
    "/pk",
    # What queries filter and sort by, and nothing else: every indexed value is paid for at every write of its document.
    _only(
        "/id/?",
        "/pk/?",
        "/stream/?",
        "/key/?",
        "/upto/?",
        "/left_out/?",
        "/data/version/?",
        "/data/effective_date/?",
        "/data/hold/?",
        "/data/expires_at/?",
        "/state/status/?",
        "/state/requested_at/?",
        "/state/asset/?",
    ),
)
LEASES: Final = ContainerSpec("leases", "/consumer", _only("/consumer/?", "/kind/?"))
KEYS: Final = ContainerSpec("keys", "/subject", _only("/subject/?"))

CONTAINERS: Final = (EVENTS, SNAPSHOTS, VIEWS, LEASES, KEYS)


def create_containers(client: CosmosClient, database: str) -> None:
    """Create the database and its containers, those that are missing."""
    target = client.create_database_if_not_exists(database)
    for spec in CONTAINERS:
        target.create_container_if_not_exists(
            spec.name,
            PartitionKey(path=spec.partition_key),
            indexing_policy=spec.indexing,
            unique_key_policy=spec.unique_key_policy,
            default_ttl=spec.default_ttl,
        )
