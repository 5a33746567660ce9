"""Partial updates: `{"operations": [{"op", "path", "value"}], "condition": "from c where …"}`.

Source: https://learn.microsoft.com/azure/cosmos-db/partial-document-update
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from localazure.cosmos.protocol.errors import BadRequest, PreconditionFailed
from localazure.cosmos.storage.doubles import double
from localazure.cosmos.storage.limits import PATCH_OPERATIONS
from localazure.cosmos.storage.partition_key import PartitionKey

_READ_ONLY = frozenset({"id", "_rid", "_self", "_etag", "_attachments", "_ts"})


def patched(item: dict[str, Any], change: Mapping[str, Any], key: PartitionKey) -> dict[str, Any]:
    """Apply a patch to `item` in place and return it."""
    operations = change.get("operations")
    if not isinstance(operations, list) or not operations:
        raise BadRequest("A patch needs a list of at least one operation.")
    if len(operations) > PATCH_OPERATIONS:
        raise BadRequest(f"A patch takes at most {PATCH_OPERATIONS} operations; {len(operations)} were given.")
    condition = change.get("condition")
    if condition and not _holds(item, str(condition)):
        raise PreconditionFailed(
            "One of the specified pre-condition is not met: the patch's filter predicate is false."
        )
    for operation in operations:
        _apply(item, operation, key)
    return item


def _holds(item: Mapping[str, Any], condition: str) -> bool:
    from localazure.cosmos.sql import Query, SqlError

    text = condition.strip()
    if text[:4].lower() != "from":
        raise BadRequest("A patch's condition has the form 'from c where …'.")
    try:
        return any(True for _ in Query.parse(f"SELECT VALUE 1 {text}").evaluate([item]))
    except SqlError as error:
        raise BadRequest(f"The patch's condition is invalid: {error}") from error


def _apply(item: dict[str, Any], operation: Mapping[str, Any], key: PartitionKey) -> None:
    name = operation.get("op")
    action = _ACTIONS.get(str(name).lower())
    if action is None:
        raise BadRequest(f"The patch operation '{name}' is invalid; use {', '.join(sorted(_ACTIONS))}.")
    path = _segments(operation.get("path"), key)
    if str(name).lower() not in ("remove", "move") and "value" not in operation:
        raise BadRequest(f"The patch operation '{name}' on '{operation.get('path')}' needs a value.")
    if str(name).lower() == "move":
        source = _segments(operation.get("from"), key)
        if path[: len(source)] == source and path != source:
            raise BadRequest("The 'path' of a move may not lie inside its 'from'.")
        value = _take(item, source)
        _set(item, path, value)
        return
    action(item, path, operation.get("value"))


def _segments(path: Any, key: PartitionKey) -> tuple[str, ...]:
    if not isinstance(path, str) or not path.startswith("/") or len(path) < 2:
        raise BadRequest(f"The patch path '{path}' is invalid; it starts with '/' and names a property.")
    segments = tuple(segment.replace("~1", "/").replace("~0", "~") for segment in path[1:].split("/"))
    if segments[0] in _READ_ONLY:
        raise BadRequest(f"The property '{path}' cannot be patched.")
    if any(segments[: len(fixed)] == fixed or fixed[: len(segments)] == segments for fixed in key.paths):
        raise BadRequest(f"The partition key '{path}' cannot be patched.")
    return segments


def _parent(item: Any, path: tuple[str, ...]) -> Any:
    for segment in path[:-1]:
        if isinstance(item, dict) and segment in item:
            item = item[segment]
        elif isinstance(item, list) and segment.isdigit() and int(segment) < len(item):
            item = item[int(segment)]
        else:
            raise BadRequest(f"The parent of the patch path '/{'/'.join(path)}' does not exist.")
    if not isinstance(item, dict | list):
        raise BadRequest(f"The parent of the patch path '/{'/'.join(path)}' is neither an object nor an array.")
    return item


def _index(parent: list[Any], segment: str, *, may_append: bool) -> int:
    if segment == "-" and may_append:
        return len(parent)
    limit = len(parent) + (1 if may_append else 0)
    if not segment.isdigit() or int(segment) >= limit:
        raise BadRequest(f"The array index '{segment}' of a patch is out of bounds.")
    return int(segment)


def _add(item: Any, path: tuple[str, ...], value: Any) -> None:
    parent = _parent(item, path)
    if isinstance(parent, list):
        parent.insert(_index(parent, path[-1], may_append=True), value)
    else:
        parent[path[-1]] = value


def _set(item: Any, path: tuple[str, ...], value: Any) -> None:
    parent = _parent(item, path)
    if isinstance(parent, list):
        index = _index(parent, path[-1], may_append=True)
        parent[index : index + 1] = [value]
    else:
        parent[path[-1]] = value


def _replace(item: Any, path: tuple[str, ...], value: Any) -> None:
    _require(item, path)
    _set(item, path, value)


def _remove(item: Any, path: tuple[str, ...], _: Any) -> None:
    _take(item, path)


def _increment(item: Any, path: tuple[str, ...], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest("The value of an incr operation must be a number.")
    parent = _parent(item, path)
    present = path[-1] in parent if isinstance(parent, dict) else True
    before = _require(item, path) if present else 0
    if isinstance(before, bool) or not isinstance(before, int | float):
        raise BadRequest(f"The value at '/{'/'.join(path)}' is not a number, so it cannot be incremented.")
    after = double(before) + double(value)
    if not math.isfinite(after):
        raise BadRequest(f"The value at '/{'/'.join(path)}' would become greater than any number.")
    _set(item, path, after)


def _require(item: Any, path: tuple[str, ...]) -> Any:
    parent = _parent(item, path)
    if isinstance(parent, list):
        return parent[_index(parent, path[-1], may_append=False)]
    if path[-1] not in parent:
        raise BadRequest(f"The patch path '/{'/'.join(path)}' does not exist.")
    return parent[path[-1]]


def _take(item: Any, path: tuple[str, ...]) -> Any:
    value = _require(item, path)
    parent = _parent(item, path)
    del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]
    return value


_ACTIONS: dict[str, Callable[[Any, tuple[str, ...], Any], None]] = {
    "add": _add,
    "set": _set,
    "replace": _replace,
    "remove": _remove,
    "incr": _increment,
    "move": _replace,
}
