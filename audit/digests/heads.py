"""The heads of all streams, in one file: what a digest seals, and what tells which stream is not as it was.

A line per stream, in the order of the streams' names as UTF-8 bytes: name, tab, version of its last event, tab, hash of
that event, tab, and what stands for its commands without events: the hash of theirs, nothing if there are none. A
stream without events has version 0 and the genesis of its name. Below it, a line for each command without events, in
the order of the documents' ids: tab, id, tab, hash.

Compressed with gzip (modified time 0, so that equal heads are equal bytes). The file needs no signature of its own: its
lines are the leaves of the tree whose root the digest signs.
"""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from audit.digests.encoding import encode, encode_field
from audit.digests.merkle import Root, leaf_hash
from audit.errors import DigestUnreadable
from eventstore.log.chain import genesis

KIND = "tidemark/head/1"
OUTCOMES = "tidemark/outcomes/1"


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of a stream. `outcomes` is over its commands without events (`OutcomesHash`)."""

    stream: str
    version: int
    hash: str
    outcomes: str = ""

    @property
    def leaf(self) -> bytes:
        """The hash of the head as a leaf of the tree."""
        return leaf_hash(encode(KIND, self.stream, self.version, self.hash, self.outcomes))

    @property
    def event(self) -> tuple[int, str] | None:
        """Version and hash of the last event, None if the stream had none."""
        return None if self.hash == genesis(self.stream) else (self.version, self.hash)


class SealedOutcome(NamedTuple):
    """The document of a command without events: its id and its hash."""

    stream: str
    id: str
    hash: str


class OutcomesHash:
    """What stands for a stream's commands without events: over their hashes, in the order of the documents' ids."""

    def __init__(self) -> None:
        self._computed: Any = None

    def add(self, outcome_hash: str) -> None:
        """The next one."""
        if self._computed is None:
            self._computed = sha256(encode(OUTCOMES))
        self._computed.update(encode_field(outcome_hash))

    def value(self) -> str:
        """In hexadecimal; nothing for none."""
        return "" if self._computed is None else str(self._computed.hexdigest())


class HeadsWriter:
    """Writes heads in their order, and knows the root over what was written. A context manager."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._gzip = gzip.GzipFile(filename="", mode="wb", fileobj=self._file, mtime=0)
        self._root = Root()
        self.outcomes = 0

    def add(self, head: Head, outcomes: Iterable[SealedOutcome] = ()) -> None:
        """The next stream's head, and the outcomes that it is over."""
        self._gzip.write(f"{head.stream}\t{head.version}\t{head.hash}\t{head.outcomes}\n".encode())
        for outcome in outcomes:
            self._gzip.write(f"\t{outcome.id}\t{outcome.hash}\n".encode())
            self.outcomes += 1
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


def read_heads(path: Path) -> Iterator[Head | SealedOutcome]:
    """The heads in a file, one by one, each followed by its outcomes.

    Raises:
        DigestUnreadable: the file is missing or damaged.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            stream = ""
            for number, line in enumerate(lines, 1):
                found = _read(line.rstrip("\n").split("\t"), stream)
                if found is None:
                    raise DigestUnreadable(f"{path}, line {number}: neither a head nor an outcome")
                stream = found.stream
                yield found
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DigestUnreadable(f"{path} cannot be read ({error}): keep it beside its digest") from None


def sealed_heads(lines: Iterable[Head | SealedOutcome], *, root: str, where: object) -> Iterator[Head | SealedOutcome]:
    """The lines, provided that they are all of those that `root` was made of; that shows only with the last one.

    Raises:
        DigestUnreadable: they are not.
    """
    computed, head, outcomes, last = Root(), Head("", 0, ""), OutcomesHash(), ""
    for line in lines:
        if isinstance(line, SealedOutcome):
            if line.id <= last:
                raise DigestUnreadable(f"{where}: outcome {line.id} of {line.stream} is not in its place")
            outcomes.add(line.hash)
            last = line.id
        else:
            if computed.leaves and line.stream.encode() <= head.stream.encode():
                raise DigestUnreadable(f"{where}: {line.stream} is not in its place")
            _check_outcomes(head, outcomes, where)
            head, outcomes, last = line, OutcomesHash(), ""
            computed.add(line.leaf)
        yield line
    _check_outcomes(head, outcomes, where)
    if computed.value() != root:
        raise DigestUnreadable(f"{where}: not the heads that the digest seals, their root is {computed.value()}")


def _check_outcomes(head: Head, outcomes: OutcomesHash, where: object) -> None:
    if outcomes.value() != head.outcomes:
        raise DigestUnreadable(f"{where}: not the outcomes that the digest seals for {head.stream}")


def by_stream(lines: Iterable[Head | SealedOutcome]) -> Iterator[tuple[Head, dict[str, str]]]:
    """Each head with the hashes of its outcomes by their ids. Memory holds those of one stream."""
    head: Head | None = None
    outcomes: dict[str, str] = {}
    for line in lines:
        if isinstance(line, SealedOutcome):
            outcomes[line.id] = line.hash
            continue
        if head is not None:
            yield head, outcomes
        head, outcomes = line, {}
    if head is not None:
        yield head, outcomes


def _read(parts: list[str], stream: str) -> Head | SealedOutcome | None:
    if len(parts) == 4 and parts[0] and parts[1].isdecimal():
        return Head(parts[0], int(parts[1]), parts[2], parts[3])
    if len(parts) == 3 and not parts[0] and stream:
        return SealedOutcome(stream, parts[1], parts[2])
    return None
