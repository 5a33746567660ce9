"""A container's definition as a client sends it: checked and completed before it is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localazure.cosmos.protocol.errors import BadRequest
from localazure.cosmos.sql import Query, SqlError
from localazure.cosmos.storage.indexing import normalized
from localazure.cosmos.storage.limits import TTL_SECONDS, UNIQUE_KEYS, UNIQUE_PATHS
from localazure.cosmos.storage.partition_key import PartitionKey, split_path
from localazure.cosmos.storage.resource import check_id

_KEY_PATH = re.compile(r"""(?:/(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^/"'\s*.+@#$]+))*""")
"""Names that are plain or in quotes. Which marks need quotes is known of blanks, * . + @ # and $ alone:
https://github.com/hashicorp/terraform-provider-azurerm/issues/4692"""
_SYSTEM = frozenset(
    {"_rid", "_self", "_etag", "_ts", "_docs", "_sprocs", "_triggers", "_udfs", "_conflicts", "statistics"}
)


def check_key_paths(body: Mapping[str, Any]) -> None:
    """Refuse paths of a new container's partition key as the service does; those of a stored one are what they are."""
    key = body.get("partitionKey")
    paths = key.get("paths") if isinstance(key, dict) else None
    for path in paths if isinstance(paths, list) else ():
        accepted = _KEY_PATH.match(str(path))
        end = accepted.end() if accepted else 0
        if end < len(str(path)) or not end:
            shown = str(path).replace("/", "\\/")
            raise BadRequest(
                f"The partition key component definition path '{shown}' could not be accepted, failed near position "
                f"'{end}'. Partition key paths must contain only valid characters and not contain a trailing slash or "
                "wildcard character."
            )


def completed(body: Mapping[str, Any]) -> dict[str, Any]:
    """A new container's definition with every default in place."""
    check_id(body)
    definition = {name: value for name, value in body.items() if name not in _SYSTEM}
    key = definition.get("partitionKey")
    if not isinstance(key, dict):
        raise BadRequest("The container needs a partitionKey definition, such as {'paths': ['/id'], 'kind': 'Hash'}.")
    parsed = PartitionKey.parse(key)
    definition["partitionKey"] = {"version": parsed.version, **key, "kind": parsed.kind}
    definition["indexingPolicy"] = normalized(definition.get("indexingPolicy"))
    _check_unique_keys(definition)
    _check_ttl(definition)
    _check_computed(definition.get("computedProperties"))
    definition.setdefault(
        "conflictResolutionPolicy",
        {"mode": "LastWriterWins", "conflictResolutionPath": "/_ts", "conflictResolutionProcedure": ""},
    )
    definition.setdefault("geospatialConfig", {"type": "Geography"})
    return definition


def changed(stored: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The definition after a replace: partition key, unique keys and id are fixed at creation."""
    for name in ("id", "partitionKey", "uniqueKeyPolicy"):
        if name in body and name in stored and not _same(stored[name], body[name]):
            raise BadRequest(f"The '{name}' of a container cannot be changed; create a new container.")
    definition = completed({**body, "id": stored["id"], "partitionKey": stored["partitionKey"]})
    if "uniqueKeyPolicy" in stored:
        definition["uniqueKeyPolicy"] = stored["uniqueKeyPolicy"]
    return definition


def check_ttl_value(value: Any, where: str) -> int | None:
    """A time to live in seconds, -1 for never, None when absent."""
    if value is None or (
        isinstance(value, int) and not isinstance(value, bool) and (0 < value <= TTL_SECONDS or value == -1)
    ):
        return value
    raise BadRequest(
        f"The input ttl '{value}' of the {where} is invalid. Ensure to provide a nonzero positive integer less than "
        f"or equal to '{TTL_SECONDS}', or -1 for never."
    )


def _check_ttl(definition: dict[str, Any]) -> None:
    if definition.get("defaultTtl") is None:
        definition.pop("defaultTtl", None)
    else:
        check_ttl_value(definition["defaultTtl"], "container")


def _check_unique_keys(definition: dict[str, Any]) -> None:
    policy = definition.get("uniqueKeyPolicy")
    if not policy or not policy.get("uniqueKeys"):
        definition.pop("uniqueKeyPolicy", None)
        return
    keys = policy["uniqueKeys"]
    if len(keys) > UNIQUE_KEYS or sum(len(key.get("paths") or []) for key in keys) > UNIQUE_PATHS:
        raise BadRequest(f"A unique key policy holds at most {UNIQUE_KEYS} keys over {UNIQUE_PATHS} paths in total.")
    for key in keys:
        if not key.get("paths"):
            raise BadRequest("Every unique key needs at least one path.")
        for path in key["paths"]:
            split_path(path)


def _check_computed(properties: Any) -> None:
    if properties is None:
        return
    if not isinstance(properties, list) or not all(
        isinstance(entry, dict) and entry.keys() >= {"name", "query"} for entry in properties
    ):
        raise BadRequest("One of the specified inputs is invalid: computedProperties is a list of {name, query}.")
    try:
        Query.parse("SELECT * FROM c", definitions={entry["name"]: entry["query"] for entry in properties})
    except SqlError as error:
        raise BadRequest(f"One of the specified inputs is invalid: a computed property: {error.message}") from error


def _same(stored: Any, given: Any) -> bool:
    if isinstance(stored, dict) and isinstance(given, dict):
        return all(name not in stored or _same(stored[name], value) for name, value in given.items())
    return bool(stored == given)
