"""What a generation of a view holds, as one hash per stream (or per key, for sums), and a digest over all of them.

A document's hash is SHA-256 over its canonical JSON, without what differs between generations and stores (partition
key, range, etag, system fields). A stream's hash is the sum of its documents' hashes (modulo 2^256), so the order in
which a store gives them out does not matter. The digest is over the names in their order. So two generations made from
the same log have the same digest, and a difference can be named.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from projectors.container import Document
from projectors.generations.generation import GUARD_PREFIX

_NOT_CONTENT = frozenset(("pk", "upto", "error", "attempts", "dropped", "left_out"))


@dataclass(frozen=True, slots=True)
class Contents:
    """One stream of a view, or one key of sums.

    `version` is what it reflects, `items` how many there are (the guard is one where it carries the item itself),
    `hash` SHA-256 of all, b"" of nothing. `parked` streams wait at that version; versions in `dropped` were left out
    on purpose.
    """

    name: str
    version: int
    items: int
    hash: bytes
    parked: bool = False
    dropped: tuple[int, ...] = ()

    @classmethod
    def nothing(cls, name: str) -> "Contents":
        return cls(name, 0, 0, b"")


class Collected:
    """Adds the documents of one stream up. `guard_counts` where the guard carries the item itself."""

    __slots__ = ("_dropped", "_guard_counts", "_items", "_parked", "_stream", "_sum", "_version")

    def __init__(self, stream: str, *, guard_counts: bool = False) -> None:
        self._stream = stream
        self._guard_counts = guard_counts
        self._sum = self._version = self._items = 0
        self._parked = False
        self._dropped: tuple[int, ...] = ()

    def add(self, document: Document) -> None:
        """One more document, the guard or an item."""
        self._sum += int.from_bytes(hash_of(document))
        if document["id"].startswith(GUARD_PREFIX):
            self._version, self._parked = document["version"], "upto" in document
            self._dropped = tuple(note["version"] for note in document.get("dropped", ()))
            self._items += self._guard_counts and bool(document["state"])
        else:
            self._items += 1

    def contents(self) -> Contents:
        if not self._sum:
            return Contents.nothing(self._stream)
        total = (self._sum % 2**256).to_bytes(32)
        return Contents(self._stream, self._version, self._items, total, self._parked, self._dropped)


def contents_of(stream: str, documents: Iterable[Document], *, guard_counts: bool = False) -> Contents:
    """What these documents of one stream make up."""
    collected = Collected(stream, guard_counts=guard_counts)
    for document in documents:
        collected.add(document)
    return collected.contents()


def hash_of(document: Document) -> bytes:
    """SHA-256 over what a document says."""
    kept = {name: value for name, value in document.items() if name not in _NOT_CONTENT and not name.startswith("_")}
    return hashlib.sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)).digest()


def digest_of(contents: Iterable[Contents]) -> str:
    """The digest over all that there is; the order given does not matter."""
    digest = hashlib.sha256()
    for found in sorted(contents, key=lambda found: found.name):
        if found.hash:
            digest.update(f"{len(found.name)}:{found.name}".encode() + found.hash)
    return digest.hexdigest()
