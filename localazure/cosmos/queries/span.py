"""What a query looks at: parts of physical partitions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from localazure.cosmos.protocol.errors import PLAN_NEEDED, BadRequest
from localazure.cosmos.protocol.message import json_bytes
from localazure.cosmos.requests.call import RANGE_HEADER, Call
from localazure.cosmos.sql import Query
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.partition_key import PartitionKey, PartitionKeyValue
from localazure.cosmos.storage.partitions import Partition

_NEEDS_PLAN = (
    "The provided cross partition query can not be directly served by the gateway. This is a first chance (internal) "
    "exception that all newer clients will know how to handle gracefully. This exception is traced, but unless you see "
    "it bubble up as an exception (which only happens on older SDK clients), then you can safely ignore this message."
)


@dataclass(frozen=True, slots=True)
class Span:
    """`[low, high)` inside one physical partition."""

    partition: Partition
    low: str
    high: str
    is_logical: bool
    """Whether it is exactly one logical partition."""


def spans_of(call: Call, container: Container, query: Query | None) -> list[Span]:
    """The parts that a request addresses, in key order; refuses what would need permission or a plan."""
    range_id = call.header(RANGE_HEADER)
    key = call.key_or_none(container)
    if range_id and "," not in range_id:
        return [_range_span(call, container, container.partitions.get(range_id), key)]
    may_cross = call.flag("x-ms-documentdb-query-enablecrosspartition")
    if key is None and query is not None and not (may_cross and query.needs_plan):
        # A client that is ready for several partitions gets a plan, even where WHERE names only one.
        key = _fixed_key(container, query)
    if key is not None and not key.is_prefix and key.components:
        return [_logical(container, key)]
    low, high = call.header("x-ms-start-epk"), call.header("x-ms-end-epk")
    if key is not None and key.is_prefix and key.components:
        low, high = key.position, key.upper
    if query is not None and key is None and not high:
        _check_allowed(call, query)
    low, high = (low, high) if high else ("", "FF")
    return [
        Span(partition, max(low, partition.low), min(high, partition.high), is_logical=False)
        for partition in container.partitions.overlapping(low, high)
    ]


def _range_span(call: Call, container: Container, partition: Partition, key: PartitionKeyValue | None) -> Span:
    low, high = call.header("x-ms-start-epk"), call.header("x-ms-end-epk")
    if high:
        if low == high:
            return Span(partition, low, high + "\0", is_logical=True)
        return Span(partition, max(low, partition.low), min(high, partition.high), is_logical=False)
    if key is not None and not key.is_prefix and key.components:
        return _logical(container, key)
    if key is not None and key.components:
        return Span(partition, max(key.position, partition.low), min(key.upper, partition.high), is_logical=False)
    return Span(partition, partition.low, partition.high, is_logical=False)


def _logical(container: Container, key: PartitionKeyValue) -> Span:
    return Span(container.partitions.at(key.position), key.position, key.position + "\0", is_logical=True)


def _fixed_key(container: Container, query: Query) -> PartitionKeyValue | None:
    """The one logical partition that WHERE allows."""
    keys = keys_in(query, container.key)
    return keys[0] if keys is not None and len(keys) == 1 else None


@lru_cache(maxsize=256)
def keys_in(query: Query, definition: PartitionKey) -> tuple[PartitionKeyValue, ...] | None:
    """The logical partitions that WHERE allows, in key order; None when it does not say."""
    values = query.key_values(["/" + "/".join(path) for path in definition.paths])
    if values is None:
        return None
    return tuple(sorted({definition.value(components) for components in values}, key=lambda key: key.position))


def _check_allowed(call: Call, query: Query) -> None:
    if not call.flag("x-ms-documentdb-query-enablecrosspartition"):
        raise BadRequest(
            "Cross partition query is required but disabled. Please set "
            "x-ms-documentdb-query-enablecrosspartition to true, specify x-ms-documentdb-partitionkey, or revise your "
            "query to avoid this exception."
        )
    if query.needs_plan:
        detail = json_bytes({"partitionedQueryExecutionInfoVersion": 2, **query.plan()}).decode()
        raise BadRequest(_NEEDS_PLAN, sub_status=PLAN_NEEDED, info=detail)
