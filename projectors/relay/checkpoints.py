"""A checkpoint store for `EventHubConsumerClient` on Cosmos DB: readers of the hub need no Blob storage.

    store = CosmosCheckpointStore(container)          # the container `leases`, partition key /consumer
    EventHubConsumerClient.from_connection_string(…, consumer_group="billing", checkpoint_store=store)

One document per partition for the ownership and one for the checkpoint, all of a consumer group in one logical
partition (`<namespace>/<hub>/<group>`, lower case: Event Hubs compares names without case), so that listing is a
single-partition query. A claim is one conditional write: of two that claim the same partition, one wins.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from azure.core import MatchConditions
from azure.cosmos import ContainerProxy
from azure.cosmos.exceptions import (
    CosmosAccessConditionFailedError,
    CosmosResourceExistsError,
    CosmosResourceNotFoundError,
)
from azure.eventhub import CheckpointStore

from eventstore.cosmos.queries import run_query

_OWNERSHIP = "ownership"
_CHECKPOINT = "checkpoint"


class CosmosCheckpointStore(CheckpointStore):
    """Ownerships and checkpoints of Event Hubs consumers in a container with partition key `/consumer`.

    Dictionaries are those of `azure.eventhub.CheckpointStore`; `last_modified_time` is in seconds since 1970, by the
    clock of Cosmos DB, which counts whole seconds: ownership expirations under about five seconds make no sense.
    """

    def __init__(self, container: ContainerProxy) -> None:
        self._container = container

    def list_ownership(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **_: Any
    ) -> Iterable[dict[str, Any]]:
        """All partitions that somebody owns or has owned."""
        documents = self._list(_OWNERSHIP, fully_qualified_namespace, eventhub_name, consumer_group)
        return [_ownership(document) for document in documents]

    def claim_ownership(self, ownership_list: Iterable[dict[str, Any]], **_: Any) -> Iterable[dict[str, Any]]:
        """Those of the given ownerships that were won, with their new etags."""
        claims = (self._claim(ownership) for ownership in ownership_list)
        return [won for won in claims if won is not None]

    def update_checkpoint(self, checkpoint: Mapping[str, Any], **_: Any) -> None:
        """Moves a partition's checkpoint. The last write wins, as the SDK's contract has it."""
        self._container.upsert_item(
            {
                **_document(_CHECKPOINT, checkpoint),
                "offset": str(checkpoint["offset"]),
                "sequence_number": checkpoint["sequence_number"],
            }
        )

    def list_checkpoints(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **_: Any
    ) -> Iterable[dict[str, Any]]:
        """The checkpoints of all partitions that have one."""
        documents = self._list(_CHECKPOINT, fully_qualified_namespace, eventhub_name, consumer_group)
        return [
            _names(document) | {"sequence_number": document["sequence_number"], "offset": document["offset"]}
            for document in documents
        ]

    def _list(self, kind: str, namespace: str, hub: str, group: str) -> list[dict[str, Any]]:
        return run_query(
            lambda: self._container.query_items(
                "SELECT * FROM c WHERE c.kind = @kind",
                parameters=[{"name": "@kind", "value": kind}],
                partition_key=_consumer(namespace, hub, group),
            )
        )

    def _claim(self, ownership: Mapping[str, Any]) -> dict[str, Any] | None:
        document = _document(_OWNERSHIP, ownership) | {"owner_id": ownership["owner_id"]}
        etag = ownership.get("etag")
        try:
            if etag is None:
                return _ownership(self._container.create_item(document, no_response=False))
            return _ownership(
                self._container.replace_item(
                    document["id"],
                    document,
                    etag=etag,
                    match_condition=MatchConditions.IfNotModified,
                    no_response=False,
                )
            )
        except (CosmosResourceExistsError, CosmosAccessConditionFailedError, CosmosResourceNotFoundError):
            return None


def _consumer(namespace: str, hub: str, group: str) -> str:
    return f"{namespace}/{hub}/{group}".lower()


def _document(kind: str, item: Mapping[str, Any]) -> dict[str, Any]:
    names = _names(item)
    return {
        "id": f"{kind}-{item['partition_id']}",
        "consumer": _consumer(names["fully_qualified_namespace"], names["eventhub_name"], names["consumer_group"]),
        "kind": kind,
        **names,
    }


def _names(item: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("fully_qualified_namespace", "eventhub_name", "consumer_group", "partition_id")
    return {key: item[key] for key in keys}


def _ownership(document: Mapping[str, Any]) -> dict[str, Any]:
    return _names(document) | {
        "owner_id": document["owner_id"],
        "etag": document["_etag"],
        "last_modified_time": float(document["_ts"]),
    }
