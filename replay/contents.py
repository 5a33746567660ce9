"""What a generation of a view holds for each stream, as one hash per stream, and a digest over all of them.

A stream's hash is over its guard and items, sorted by id, as canonical JSON without what differs between generations
and stores (partition key, etag, system fields). The digest is over the streams in the order of their names. So two
generations made from the same log have the same digest, and a difference can be named.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from projectors.gateway import Document, Gateway
from projectors.guard import GUARD_PREFIX
from projectors.guards import guard_place
from projectors.places import partition_key
from projectors.view import StreamView

_NOT_CONTENT = frozenset(("pk", "upto", "error", "attempts"))


@dataclass(frozen=True, slots=True)
class Contents:
    """One stream of a view: `version` reflected, number of `items` (the guard is none), SHA-256 of all."""

    stream: str
    version: int
    items: int
    hash: bytes
    parked: bool = False


def contents_of(stream: str, documents: Iterable[Document]) -> Contents:
    """The contents that these documents make up."""
    rows = sorted(documents, key=lambda document: str(document["id"]))
    digest = hashlib.sha256()
    version, parked, items = 0, False, 0
    for row in rows:
        kept = {name: value for name, value in row.items() if name not in _NOT_CONTENT and not name.startswith("_")}
        digest.update(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS))
        if row["id"].startswith(GUARD_PREFIX):
            version, parked = row["version"], row.get("upto") is not None
        else:
            items += 1
    return Contents(stream, version, items, digest.digest(), parked)


def digest_of(contents: Iterable[Contents]) -> str:
    """The digest over the streams, which come in the order of their names."""
    digest = hashlib.sha256()
    for stream in contents:
        digest.update(f"{len(stream.stream)}:{stream.stream}".encode() + stream.hash)
    return digest.hexdigest()


class StoredContents:
    """What one generation holds, read from the container `views`."""

    def __init__(self, gateway: Gateway, view: StreamView, generation: int) -> None:
        self._gateway = gateway
        self._view = view
        self._generation = generation

    def all(self) -> Iterator[Contents]:
        """Every stream, partition by partition; memory holds one partition at a time."""
        for bucket in self._buckets():
            partition = partition_key(self._view.name, self._generation, bucket)
            streams: dict[str, list[Document]] = {}
            for document in self._gateway.query("SELECT * FROM c", partition):
                streams.setdefault(document["stream"], []).append(document)
            for stream, documents in streams.items():
                yield contents_of(stream, documents)

    def one(self, stream: str) -> Contents:
        """One stream, as it is at one moment: read again when its guard moves meanwhile."""
        place = guard_place(self._view, self._generation, stream)
        while True:
            before = self._gateway.read(place.id, place.partition)
            if before is None:
                return Contents(stream, 0, 0, b"")
            rows = self._gateway.query("SELECT * FROM c WHERE c.stream = @stream", place.partition, stream=stream)
            after = self._gateway.read(place.id, place.partition)
            if after is not None and after["_etag"] == before["_etag"]:
                return contents_of(stream, rows)

    def documents(self, stream: str) -> list[dict[str, Any]]:
        """The guard and items of a stream, to show them."""
        place = guard_place(self._view, self._generation, stream)
        return self._gateway.query("SELECT * FROM c WHERE c.stream = @stream", place.partition, stream=stream)

    def _buckets(self) -> list[str]:
        if not self._view.keyed_by_stream:
            return [str(number) for number in range(self._view.buckets)]
        prefix = partition_key(self._view.name, self._generation, "")
        rows = self._gateway.query(
            "SELECT c.pk FROM c WHERE STARTSWITH(c.pk, @prefix) AND STARTSWITH(c.id, @guard)",
            prefix=prefix,
            guard=GUARD_PREFIX,
        )
        return [row["pk"][len(prefix) :] for row in rows]
