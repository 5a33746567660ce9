"""What a generation of a view holds, as one hash per stream (or per key, for sums), and a digest over all of them.

A hash is over the documents that belong together, sorted by id, as canonical JSON without what differs between
generations and stores (partition key, range, etag, system fields). The digest is over the names in their order. So two
generations made from the same log have the same digest, and a difference can be named.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from projectors.gateway import Document
from projectors.guard import GUARD_PREFIX

_NOT_CONTENT = frozenset(("pk", "upto", "error", "attempts", "dropped"))


@dataclass(frozen=True, slots=True)
class Contents:
    """One stream of a view, or one key of sums.

    `version` is what it reflects, `items` how many there are (the guard is none), `hash` SHA-256 of all, b"" of
    nothing. `parked` streams wait at that version; versions in `dropped` were left out on purpose.
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


def contents_of(stream: str, documents: Iterable[Document]) -> Contents:
    """What these documents of one stream make up."""
    rows = sorted(documents, key=lambda document: str(document["id"]))
    guard = next((row for row in rows if row["id"].startswith(GUARD_PREFIX)), None)
    if guard is None:
        return Contents(stream, 0, len(rows), hash_of(rows)) if rows else Contents.nothing(stream)
    return Contents(
        stream,
        guard["version"],
        len(rows) - 1,
        hash_of(rows),
        parked="upto" in guard,
        dropped=tuple(note["version"] for note in guard.get("dropped", ())),
    )


def hash_of(rows: Iterable[Document]) -> bytes:
    """SHA-256 over documents in the order given."""
    digest = hashlib.sha256()
    for row in rows:
        kept = {name: value for name, value in row.items() if name not in _NOT_CONTENT and not name.startswith("_")}
        digest.update(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS))
    return digest.digest()


def digest_of(contents: Iterable[Contents]) -> str:
    """The digest over all that there is; the order given does not matter."""
    digest = hashlib.sha256()
    for found in sorted(contents, key=lambda found: found.name):
        if found.hash:
            digest.update(f"{len(found.name)}:{found.name}".encode() + found.hash)
    return digest.hexdigest()
