"""The heads of all streams, in one file: what a digest seals, and what tells which stream is not as it was.

A line per stream, in the order of the streams' names as UTF-8 bytes: name, tab, version of its last event, tab, hash
of that event. Compressed with gzip (modified time 0, so that equal heads are equal bytes). The file needs no signature
of its own: its lines are the leaves of the tree whose root the digest signs.
"""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from replay.audit.encoding import encode
from replay.audit.errors import DigestUnreadable
from replay.audit.merkle import Root, leaf_hash

KIND = "tidemark/head/1"


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of a stream."""

    stream: str
    version: int
    hash: str

    @property
    def leaf(self) -> bytes:
        """The hash of the head as a leaf of the tree."""
        return leaf_hash(encode(KIND, self.stream, self.version, self.hash))


class HeadsWriter:
    """Writes heads in their order, and knows the root over what was written. A context manager."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._gzip = gzip.GzipFile(filename="", mode="wb", fileobj=self._file, mtime=0)
        self._root = Root()

    def add(self, head: Head) -> None:
        """The next stream's head."""
        self._gzip.write(f"{head.stream}\t{head.version}\t{head.hash}\n".encode())
        self._root.add(head.leaf)

    @property
    def streams(self) -> int:
        return self._root.leaves

    @property
    def root(self) -> str:
        return self._root.value()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._gzip.close()
        self._file.close()


def read_heads(path: Path) -> Iterator[Head]:
    """The heads in a file, one by one.

    Raises:
        DigestUnreadable: the file is missing or damaged.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                yield _head(path, number, line)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DigestUnreadable(f"{path} cannot be read ({error}): keep it beside its digest") from None


def sealed_heads(heads: Iterable[Head], *, root: str, where: object) -> Iterator[Head]:
    """The heads, provided that they are all of those that `root` was made of; that shows only with the last one.

    Raises:
        DigestUnreadable: they are not.
    """
    computed, before = Root(), ""
    for head in heads:
        if computed.leaves and head.stream.encode() <= before.encode():
            raise DigestUnreadable(f"{where}: {head.stream} is not in its place")
        before = head.stream
        computed.add(head.leaf)
        yield head
    if computed.value() != root:
        raise DigestUnreadable(f"{where}: not the heads that the digest seals, their root is {computed.value()}")


def _head(path: Path, number: int, line: str) -> Head:
    parts = line.rstrip("\n").split("\t")
    if len(parts) != 3 or not parts[1].isdecimal():
        raise DigestUnreadable(f"{path}, line {number}: not a stream, a version and a hash")
    return Head(parts[0], int(parts[1]), parts[2])
