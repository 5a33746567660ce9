"""Unique keys: within one logical partition no two items share the values at a key's paths."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from localazure.cosmos.protocol.errors import Conflict
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.partition_key import PartitionKeyValue
from localazure.cosmos.storage.store import Store

_CLAIM = "INSERT INTO unique_keys (container, epk, policy, value, number) VALUES (?,?,?,?,?)"


class UniqueKeys:
    """The unique keys of one logical partition."""

    def __init__(self, store: Store, container: Container, key: PartitionKeyValue) -> None:
        self._store = store
        self._container = container
        self._where = (container.number, key.position)

    def add(self, item: Mapping[str, Any], number: int) -> None:
        """Claim an item's values; `Conflict` when another item has them."""
        for policy, value in enumerate(unique_values(self._container, item)):
            self._claim(policy, value, number)

    def claim_all(self, items: Sequence[Mapping[str, Any]], numbers: Sequence[int]) -> None:
        """Claim the values of many new items; `sqlite3.IntegrityError` when one is taken."""
        rows = [
            (*self._where, policy, value, number)
            for item, number in zip(items, numbers, strict=True)
            for policy, value in enumerate(unique_values(self._container, item))
        ]
        self._store.write_many(_CLAIM, rows)

    def move(self, old: Mapping[str, Any], new: Mapping[str, Any], number: int) -> None:
        """Give up the old version's values, claim those of the new one."""
        values = zip(unique_values(self._container, old), unique_values(self._container, new), strict=True)
        for policy, (before, after) in enumerate(values):
            if before != after:
                self._store.execute(
                    "DELETE FROM unique_keys WHERE container = ? AND epk = ? AND policy = ? AND value = ?",
                    (*self._where, policy, before),
                )
                self._claim(policy, after, number)

    def remove(self, old: Mapping[str, Any]) -> None:
        """Give up an item's values."""
        for policy, value in enumerate(unique_values(self._container, old)):
            self._store.execute(
                "DELETE FROM unique_keys WHERE container = ? AND epk = ? AND policy = ? AND value = ?",
                (*self._where, policy, value),
            )

    def _claim(self, policy: int, value: str, number: int) -> None:
        try:
            self._store.write(_CLAIM, (*self._where, policy, value, number))
        except sqlite3.IntegrityError as error:
            paths = ", ".join("/" + "/".join(path) for path in self._container.unique_keys[policy])
            raise Conflict(
                f"Unique index constraint violation: another item of this partition has the same value at {paths}."
            ) from error


def unique_values(container: Container, item: Mapping[str, Any]) -> list[str]:
    """Per unique key its values as canonical JSON; an absent value counts as null."""
    return [orjson.dumps([_at(item, path) for path in paths]).decode() for paths in container.unique_keys]


def _at(item: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = item
    for segment in path:
        value = value.get(segment) if isinstance(value, dict) else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
