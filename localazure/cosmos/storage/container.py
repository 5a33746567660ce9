"""A container as the request handlers use it: its definition read once, its partitions, its counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from localazure.cosmos.storage import rid
from localazure.cosmos.storage.indexing import IndexingPolicy
from localazure.cosmos.storage.partition_key import PartitionKey, split_path
from localazure.cosmos.storage.partitions import PartitionMap
from localazure.cosmos.storage.resource import Database, content_paths

_FIXED = ("_rid", "_self", "_docs", "_sprocs", "_triggers", "_udfs", "_conflicts")


@dataclass(eq=False, slots=True)
class Container:
    """One container; `body` is the definition as it is answered."""

    database: Database[Container]
    id: str
    """The name."""
    number: int
    rid_bytes: bytes
    rid: str
    """The resource id as text."""
    paths: dict[str, str]
    """The headers that say of an answer that it is of this container."""
    self_link: str
    """`dbs/<rid>/colls/<rid>/`."""
    item_link: bytes
    """What lies between `_rid` and the id in the `_self` of an item's text."""
    body: dict[str, Any]
    partitions: PartitionMap
    key: PartitionKey
    indexing: IndexingPolicy
    unique_keys: tuple[tuple[tuple[str, ...], ...], ...]
    """Per unique key its paths, each split into segments."""
    default_ttl: int | None
    next_item: int = 1
    reserved_items: int = 1
    """Item numbers below this one are reserved on disk."""
    next_expiry: int | None = None
    """A lower bound of the time when the next item expires."""
    keeps_versions: bool = False

    @staticmethod
    def build(database: Database[Container], number: int, body: dict[str, Any], partitions: PartitionMap) -> Container:
        """Read a checked definition."""
        raw = rid.container_rid(database.rid_bytes, number)
        text = rid.encode(raw)
        self_link = f"dbs/{database.rid}/colls/{text}/"
        body |= {
            "_rid": text,
            "_self": self_link,
            "_docs": "docs/",
            "_sprocs": "sprocs/",
            "_triggers": "triggers/",
            "_udfs": "udfs/",
            "_conflicts": "conflicts/",
        }
        item_link = f'","_self":"{self_link}docs/'.encode()
        name = str(body["id"])
        paths = content_paths(f"dbs/{quote(database.id)}/colls/{quote(name)}", text)
        return Container(
            database, name, number, raw, text, paths, self_link, item_link, body, partitions, **_read(body)
        )

    def redefine(self, body: dict[str, Any]) -> None:
        """Take over a changed definition; the resource id stays."""
        self.body = body | {name: self.body[name] for name in _FIXED}
        read = _read(self.body)
        self.indexing = read["indexing"]
        self.default_ttl = read["default_ttl"]

    @property
    def link(self) -> str:
        """`dbs/<name>/colls/<name>`."""
        return f"dbs/{self.database.id}/colls/{self.id}"


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    policies = (body.get("uniqueKeyPolicy") or {}).get("uniqueKeys") or []
    return {
        "key": PartitionKey.parse(body["partitionKey"]),
        "indexing": IndexingPolicy(body.get("indexingPolicy") or {}),
        "unique_keys": tuple(tuple(split_path(path) for path in policy["paths"]) for policy in policies),
        "default_ttl": body.get("defaultTtl"),
    }
