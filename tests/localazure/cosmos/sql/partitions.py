"""The SDK's own merging of partial results, over partitions that are lists of items."""

from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

from azure.cosmos import _retry_utility
from azure.cosmos._execution_context.execution_dispatcher import _ProxyQueryExecutionContext
from azure.cosmos._execution_context.query_execution_info import _PartitionedQueryExecutionInfo

from localazure.cosmos.sql import Query

Items = list[dict[str, Any]]


class Connection:
    """What the SDK's query pipeline asks of its connection: the ranges, and a query on one of them."""

    _global_endpoint_manager = None

    def __init__(self, partitions: Sequence[Items]) -> None:
        self._partitions = partitions
        self._routing_map_provider = self

    def get_overlapping_ranges(self, *_: object) -> list[dict[str, str]]:
        count = len(self._partitions)
        return [{"id": str(n), "minInclusive": f"{n:02}", "maxExclusive": f"{n + 1:02}"} for n in range(count)]

    def QueryFeed(self, path: str, collection: str, query: Any, options: Any, number: str, **_: object) -> Any:  # noqa: N802
        found = Query.parse(query["query"], query["parameters"]).evaluate(self._partitions[int(number)])
        return list(found), {}


def _once(client: object, manager: object, function: Callable[[], Any], **_: object) -> Any:
    return function()


def merged(text: str, partitions: Sequence[Items], values: Sequence[dict[str, Any]] = ()) -> list[Any]:
    """The answer that the SDK puts together from the plan's query on every partition."""
    ranges = [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}]
    plan = _PartitionedQueryExecutionInfo({**Query.parse(text, values).plan(), "queryRanges": ranges})
    query = {"query": text, "parameters": list(values)}
    options = {"enableCrossPartitionQuery": True}
    with patch.object(_retry_utility, "Execute", _once):
        connection = Connection(partitions)
        dispatcher = _ProxyQueryExecutionContext(connection, "dbs/d/colls/c", query, options, None, None, None, "docs")
        return list(dispatcher._create_pipelined_execution_context(plan))
