"""Indexing policies: the stored form, what they index, and which ORDER BY they can serve.

Rules: https://learn.microsoft.com/azure/cosmos-db/index-policy
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from localazure.cosmos.protocol.errors import BadRequest
from localazure.cosmos.storage.partition_key import split_path

_ETAG_PATH = '/"_etag"/?'
_ROOTS = ("/*", "/")
_NESTED = frozenset({dict, list})
_MAX_NAMES = 1_000
"""Names remembered per object: items may use names as data."""


def normalized(policy: Mapping[str, Any] | None) -> dict[str, Any]:
    """Check a policy and bring it into the form that the service stores and answers."""
    given = dict(policy or {})
    mode = str(given.get("indexingMode") or "consistent").lower()
    if mode not in ("consistent", "none", "lazy"):
        raise BadRequest(f"The indexing mode '{mode}' is invalid; use 'consistent' or 'none'.")
    included, excluded = _paths_of(given, mode)
    out: dict[str, Any] = {
        "indexingMode": mode,
        "automatic": mode != "none" and given.get("automatic", True),
        "includedPaths": included,
        "excludedPaths": excluded,
    }
    for name in ("compositeIndexes", "spatialIndexes", "vectorIndexes", "fullTextIndexes"):
        if given.get(name):
            out[name] = given[name]
    for composite in out.get("compositeIndexes", []):
        _check_composite(composite)
    return out


def _paths_of(given: Mapping[str, Any], mode: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Included and excluded paths, with the defaults that the service adds."""
    included = [_without_indexes(entry) for entry in given.get("includedPaths") or []]
    excluded = [_without_indexes(entry) for entry in given.get("excludedPaths") or []]
    paths = [entry["path"] for entry in (*included, *excluded)]
    if len(set(paths)) != len(paths):
        raise BadRequest("A path occurs twice in the indexing policy.")
    for path in paths:
        _rule(path)
    if mode == "none":
        if paths:
            raise BadRequest("Indexing mode 'none' takes no included or excluded paths.")
        return included, excluded
    if not any(path in _ROOTS for path in paths):
        if included:
            raise BadRequest(
                "The special mandatory indexing path '/*' is not provided in any of the path type sets. "
                "Put it into includedPaths or excludedPaths."
            )
        included = [{"path": "/*"}]
    if _ETAG_PATH not in paths:
        excluded.append({"path": _ETAG_PATH})
    return included, excluded


def _check_composite(composite: list[dict[str, Any]]) -> None:
    if len(composite) < 2:
        raise BadRequest("A composite index needs at least two paths.")
    for entry in composite:
        entry.setdefault("order", "ascending")
        split_path(entry["path"])


class IndexingPolicy:
    """A stored policy, ready to answer what is indexed."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self._exact: dict[tuple[str, ...], bool] = {}
        self._subtree: dict[tuple[str, ...], bool] = {}
        for name, is_included in (("includedPaths", True), ("excludedPaths", False)):
            for entry in policy.get(name) or []:
                segments, whole = _rule(entry["path"])
                (self._subtree if whole else self._exact)[segments] = is_included
        self._composites = [
            [(split_path(entry["path"]), entry.get("order") == "descending") for entry in composite]
            for composite in policy.get("compositeIndexes") or []
        ]
        self._top = _Level((), self.includes)
        self._flat = lru_cache(maxsize=_MAX_NAMES)(lambda names: sum(map(self._top.__getitem__, names)))
        self._only = (
            [path for path, is_included in self._exact.items() if is_included and "[]" not in path]
            if not any(self._subtree.values())
            else None
        )
        self.is_on = policy.get("indexingMode") != "none"

    def includes(self, path: tuple[str, ...]) -> bool:
        """Whether a scalar at this path is indexed; the most precise rule decides."""
        known = self._exact.get(path)
        length = len(path)
        while known is None and length >= 0:
            known = self._subtree.get(path[:length])
            length -= 1
        return self.is_on and bool(known)

    def terms(self, item: Mapping[str, Any]) -> int:
        """How many values of an item enter the index."""
        if not self.is_on:
            return 0
        if self._only is not None:
            return sum([_holds(item, path) for path in self._only])
        return self._top.count(item.items())

    def terms_of(self, items: Sequence[dict[str, Any]]) -> Iterable[int]:
        """`terms` of each of many items."""
        values = chain.from_iterable(map(dict.values, items))
        if self.is_on and self._only is None and _NESTED.isdisjoint(map(type, values)):
            return map(self._flat, map(tuple, items))
        return map(self.terms, items)

    def check_order_by(self, order_by: Sequence[tuple[str, bool]]) -> None:
        """Raise `BadRequest` when no index serves this ORDER BY."""
        wanted = [(split_path(path), descending) for path, descending in order_by]
        if len(wanted) == 1:
            path = wanted[0][0]
            if path != ("_ts",) and not self.includes(path):
                raise BadRequest(
                    f"The index path corresponding to the specified order-by item '{order_by[0][0]}' is excluded."
                )
        elif wanted and not any(_serves(composite, wanted) for composite in self._composites):
            raise BadRequest(
                "The order by query does not have a corresponding composite index that it can be served from. "
                f"Add one over {', '.join(path for path, _ in order_by)} to the indexing policy."
            )


class _Level(dict[str, bool]):
    """What a policy says of the members of one object inside the items; filled as their names appear."""

    __slots__ = ("_includes", "_inner", "_path")

    def __init__(self, path: tuple[str, ...], includes: Callable[[tuple[str, ...]], bool]) -> None:
        self._path = path
        self._includes = includes
        self._inner: dict[str, _Level] = {}

    def __missing__(self, name: str) -> bool:
        known = self._includes((*self._path, name))
        if len(self) < _MAX_NAMES:
            self[name] = known
        return known

    def count(self, members: Iterable[tuple[str, Any]]) -> int:
        """How many scalars at and below these members are indexed."""
        count = 0
        for name, value in members:
            if type(value) is dict:
                count += self._below(name).count(value.items())
            elif type(value) is list:
                count += self._below(name).count([("[]", element) for element in value])
            else:
                count += self[name]
        return count

    def _below(self, name: str) -> _Level:
        level = self._inner.get(name)
        if level is None:
            level = _Level((*self._path, name), self._includes)
            if len(self._inner) < _MAX_NAMES:
                self._inner[name] = level
        return level


def _serves(composite: list[tuple[tuple[str, ...], bool]], wanted: list[tuple[tuple[str, ...], bool]]) -> bool:
    """Same paths in the same sequence, all orders the same or all reversed."""
    reverse = [(path, not descending) for path, descending in wanted]
    return composite in (wanted, reverse)


def _holds(item: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    value: Any = item
    for segment in path:
        if not isinstance(value, dict) or segment not in value:
            return False
        value = value[segment]
    return not isinstance(value, dict | list)


def _without_indexes(entry: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(entry.get("path"), str):
        raise BadRequest("Every entry of includedPaths and excludedPaths needs a 'path'.")
    return {name: value for name, value in entry.items() if name != "indexes"}


def _rule(path: str) -> tuple[tuple[str, ...], bool]:
    """The segments of a policy path, and whether it means the whole subtree (`/*`) or one value (`/?`)."""
    if path in _ROOTS:
        return (), True
    if path.endswith("/*"):
        return split_path(path[:-2]), True
    if path.endswith("/?"):
        return split_path(path[:-2]), False
    raise BadRequest(f"The indexing path '{path}' could not be accepted: it must end in '/?' or '/*'.")
