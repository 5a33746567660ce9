"""A container's partition key definition, and the key of one logical partition."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from localazure.cosmos.protocol.errors import BadRequest
from localazure.cosmos.storage import epk
from localazure.cosmos.storage.doubles import double
from localazure.cosmos.storage.limits import EXACT_INTEGER, KEY_BYTES, KEY_PATHS

_SEGMENT = re.compile(r"/(?:\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|([^/]+))")
_V1_CUT = 100


@dataclass(frozen=True, slots=True)
class PartitionKeyValue:
    """The key of one logical partition, or a prefix of a hierarchical one."""

    components: tuple[Any, ...]
    """JSON scalars; an empty mapping stands for an absent value."""
    text: str
    """Canonical JSON of the components: equal keys have equal texts."""
    position: str
    """Where the partition's items live; distinct for distinct keys, ordered like the effective partition key."""
    is_prefix: bool

    @property
    def upper(self) -> str:
        """Exclusive end of the positions below a prefix."""
        return self.position + epk.HIGHEST


@dataclass(frozen=True, slots=True, eq=False)
class PartitionKey:
    """The definition: paths, kind and hash version."""

    paths: tuple[tuple[str, ...], ...]
    kind: str
    version: int

    @staticmethod
    def parse(definition: Mapping[str, Any]) -> PartitionKey:
        """Check a `partitionKey` property of a container and read it."""
        raw = definition.get("paths") or []
        kind = definition.get("kind") or "Hash"
        if kind not in ("Hash", "MultiHash"):
            raise BadRequest(f"The partition key kind '{kind}' is invalid; use 'Hash' or 'MultiHash'.")
        if not raw:
            raise BadRequest("The partition key definition needs at least one path, such as '/id'.")
        if len(raw) > (KEY_PATHS if kind == "MultiHash" else 1):
            raise BadRequest(
                f"Too many partition key paths: {len(raw)} were given; kind 'Hash' takes 1, kind 'MultiHash' up to 3."
            )
        version = definition.get("version") or (2 if kind == "MultiHash" else 1)
        if version not in (1, 2):
            raise BadRequest(f"The partition key version '{version}' is invalid; use 1 or 2.")
        return PartitionKey(tuple(split_path(path) for path in raw), kind, int(version))

    def of(self, item: Mapping[str, Any]) -> PartitionKeyValue:
        """The key of an item, extracted along the definition's paths."""
        components = [_at(item, path) for path in self.paths]
        _check_length(components)
        return _value(self, orjson.dumps([_canonical(component) for component in components]).decode())

    def matches(self, item: Mapping[str, Any], key: PartitionKeyValue) -> bool:
        """Whether an item belongs to the logical partition."""
        if len(self.paths) == 1 and len(key.components) == 1:
            wanted = key.components[0]
            if type(wanted) is str:
                path = self.paths[0]
                return bool((item.get(path[0]) if len(path) == 1 else _at(item, path)) == wanted)
        return self.of(item).text == key.text

    def match_all(self, items: Sequence[Mapping[str, Any]], key: PartitionKeyValue) -> bool:
        """Whether all of these belong to the logical partition."""
        if len(self.paths) == 1 and len(self.paths[0]) == 1 and len(key.components) == 1:
            name, wanted = self.paths[0][0], key.components[0]
            if type(wanted) is str:
                return [item.get(name) for item in items].count(wanted) == len(items)
        return all(self.matches(item, key) for item in items)

    def parse_header(self, text: str) -> PartitionKeyValue:
        """Read the `x-ms-documentdb-partitionkey` header: a JSON array of components."""
        return _parsed(self, text)

    def value(self, components: Sequence[Any]) -> PartitionKeyValue:
        """The key with these components."""
        return _value(self, orjson.dumps([_canonical(component) for component in components]).decode())


_ABSENT: dict[str, Any] = {}


def _at(item: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = item
    for segment in path:
        value = value.get(segment, _ABSENT) if isinstance(value, dict) else _ABSENT
    # The service treats an object or array at the path as no value at all.
    return _ABSENT if isinstance(value, list | dict) else value


@lru_cache(maxsize=512)
def split_path(path: str) -> tuple[str, ...]:
    """The segments of a path such as `/a/b` or `/"first name"/last`."""
    segments = [double or single or plain for double, single, plain in _SEGMENT.findall(path)]
    if not segments or "".join(match.group(0) for match in _SEGMENT.finditer(path)) != path.rstrip("/"):
        raise BadRequest(f"The path '{path}' is invalid; write it like '/a/b', with quotes around special names.")
    return tuple(segments)


@lru_cache(maxsize=4096)
def _parsed(definition: PartitionKey, text: str) -> PartitionKeyValue:
    try:
        components = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The partition key header {text!r} is not JSON.") from error
    if not isinstance(components, list) or len(components) > len(definition.paths):
        raise BadRequest("Partition key provided either doesn't correspond to definition in the collection.")
    for component in components:
        if isinstance(component, list) or (isinstance(component, dict) and component):
            raise BadRequest(f"The partition key {text} has a component that is not a scalar.")
    _check_length(components)
    return definition.value(components)


@lru_cache(maxsize=4096)
def _value(definition: PartitionKey, text: str) -> PartitionKeyValue:
    components = tuple(orjson.loads(text))
    if definition.kind == "MultiHash":
        return PartitionKeyValue(components, text, epk.multi_hash(components), len(components) < len(definition.paths))
    if not components:
        return PartitionKeyValue((), text, epk.LOWEST, is_prefix=False)
    if definition.version != 1:
        return PartitionKeyValue(components, text, epk.hash_v2(components), is_prefix=False)
    position = epk.hash_v1(components)
    if any(isinstance(component, str) and len(component) > _V1_CUT for component in components):
        # Version 1 hashes only the first 100 characters: longer keys share an effective partition key and must
        # not share items. The mark sorts below every digit, so ranges still hold.
        position = f"{position}-{epk.hash_v2(components)}"
    return PartitionKeyValue(components, text, position, is_prefix=False)


def _check_length(components: Sequence[Any]) -> None:
    for component in components:
        if isinstance(component, str) and len(component.encode()) > KEY_BYTES:
            raise BadRequest(
                f"The partition key value '{component[:32]}…' has {len(component.encode())} bytes; the limit is "
                f"{KEY_BYTES}."
            )


def _canonical(component: Any) -> Any:
    if isinstance(component, float) and component.is_integer() and abs(component) < EXACT_INTEGER:
        return int(component)
    return double(component) if type(component) is int else component
