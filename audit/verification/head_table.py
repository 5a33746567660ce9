"""What a verification knows of every stream, on disk: memory holds a few thousand streams, whatever their number.

The change feed brings the events of all streams mixed, each stream's in order. So each stream's last version and hash
are noted, to compare the next event with; and the ids and hashes of its commands without events. A digest's heads are
noted before, so that the event that a head names is recognised when it passes.

SQLite's temporary database, removed by itself: its file has no name, and needs some 200 bytes per stream.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from audit.digests.heads import Head, OutcomesHash, SealedOutcome
from eventstore.log.chain import genesis
from eventstore.log.verification import Verification, document_problem

_AT_HAND: Final = 2_000
_SOME: Final = 1_000
_CACHE_KB: Final = 16_384

_TABLES: Final = """
    CREATE TABLE streams (name BLOB PRIMARY KEY, version INTEGER, head TEXT, events INTEGER, outcomes INTEGER,
        doubtful INTEGER, sealed_version INTEGER, sealed_hash TEXT, passed INTEGER) WITHOUT ROWID;
    CREATE TABLE outcomes (name BLOB, id TEXT, hash TEXT, PRIMARY KEY (name, id)) WITHOUT ROWID;
    CREATE TABLE sealed_outcomes (name BLOB, id TEXT, hash TEXT, PRIMARY KEY (name, id)) WITHOUT ROWID;
"""
_PUT: Final = "INSERT OR REPLACE INTO streams VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_GET: Final = "SELECT version, head, events, outcomes, doubtful, sealed_version, sealed_hash, passed FROM streams"
_MISSING: Final = """
    SELECT sealed.name, sealed.id, found.hash IS NOT NULL FROM sealed_outcomes sealed
    LEFT JOIN outcomes found ON found.name = sealed.name AND found.id = sealed.id
    WHERE found.hash IS NOT sealed.hash ORDER BY sealed.name, sealed.id
"""


@dataclass(slots=True)
class KnownHead:
    """A stream so far. `doubtful`: something did not fit, and the stream has to be looked at by itself.

    `sealed` is version and hash of the digest's head, if it has one with events; `passed` whether that event was seen.
    """

    version: int | None
    head: str
    events: int = 0
    outcomes: int = 0
    doubtful: bool = False
    sealed_version: int | None = None
    sealed_hash: str | None = None
    passed: bool = False

    @property
    def sealed(self) -> tuple[int, str] | None:
        """The head that a digest has of it, None where that had no events."""
        return None if self.sealed_version is None else (self.sealed_version, self.sealed_hash or "")

    @property
    def sound(self) -> bool:
        """Whether everything fitted, and a digest's head was passed."""
        return not self.doubtful and (self.sealed_version is None or self.passed)


class HeadTable:
    """A context manager. Not for several threads."""

    def __init__(self, *, at_hand: int = _AT_HAND) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA cache_size = -{_CACHE_KB};{_TABLES}BEGIN;")
        self._at_hand = at_hand
        self._streams: dict[str, KnownHead] = {}
        self._outcomes: list[tuple[bytes, str, str]] = []
        self._spilled = False
        self.seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def seal(self, lines: Iterable[Head | SealedOutcome], *, only: frozenset[str]) -> int:
        """Note a digest's heads, those of `only` unless it is empty; returns how many the digest has."""
        heads = 0
        for line in lines:
            heads += isinstance(line, Head)
            if only and line.stream not in only:
                continue
            if isinstance(line, Head):
                version, head = line.event or (None, None)
                self._stream(line.stream).sealed_version, self._stream(line.stream).sealed_hash = version, head
            else:
                row = (_key(line.stream), line.id, line.hash)
                self._database.execute("INSERT INTO sealed_outcomes VALUES (?, ?, ?)", row)
        return heads

    def document(self, document: Mapping[str, Any]) -> str | None:
        """The next document of its stream in the order of the feed; what is wrong if it belongs to no stream at all."""
        name, document_id = document.get("streamId"), document.get("id")
        if not isinstance(name, str) or not isinstance(document_id, str) or not _is_text(name):
            return f"document {document_id!r} belongs to no stream: {name!r}"
        stream = self._stream(name)
        if document_problem(document) is not None:
            stream.doubtful = True
        elif document_id.startswith("-"):
            self._outcome(stream, name, document_id, document["hash"])
        else:
            self._event(stream, document)
        return None

    def streams(self) -> Iterator[tuple[str, KnownHead]]:
        """Every stream of the log and of the digest, in the order of names as UTF-8 bytes."""
        self._spill()
        columns = _GET.replace("SELECT", "SELECT name,")
        for name, *values in self._database.execute(f"{columns} ORDER BY name"):
            yield name.decode(), _noted(values)

    def outcomes(self, stream: str) -> Iterator[SealedOutcome]:
        """The commands without events that were found, in the order of the documents' ids."""
        found = self._database.execute("SELECT id, hash FROM outcomes WHERE name = ? ORDER BY id", (_key(stream),))
        return (SealedOutcome(stream, document_id, document_hash) for document_id, document_hash in found)

    def head(self, stream: str, noted: KnownHead) -> Head:
        """The stream as a digest has it."""
        hashed = OutcomesHash()
        for outcome in self.outcomes(stream) if noted.outcomes else ():
            hashed.add(outcome.hash)
        return Head(stream, noted.version or 0, noted.head, hashed.value())

    def correct(self, found: Verification) -> None:
        """What a walk of the stream by itself has shown: its last event is another than the one that came last."""
        row = (found.version, found.head, _key(found.stream))
        self._database.execute("UPDATE streams SET version = ?, head = ? WHERE name = ?", row)

    def lost_outcomes(self) -> Iterator[tuple[str, str, bool]]:
        """(stream, id, whether another one is in its place) of what the digest has and the log has not, in order."""
        self._spill()
        for name, document_id, replaced in self._database.execute(_MISSING):
            yield name.decode(), document_id, bool(replaced)

    def _event(self, stream: KnownHead, document: Mapping[str, Any]) -> None:
        version, found = document["version"], document["hash"]
        if found == stream.head:  # read twice, as after a split of a range
            return
        follows = stream.version is None or version == stream.version + 1
        if not follows or document["prev"] != stream.head:
            stream.doubtful = True
        if version == stream.sealed_version and found == stream.sealed_hash:
            stream.passed = True
        stream.version, stream.head = version, found
        stream.events += 1

    def _outcome(self, stream: KnownHead, name: str, document_id: str, document_hash: str) -> None:
        stream.outcomes += 1
        self._outcomes.append((_key(name), document_id, document_hash))
        if len(self._outcomes) >= _SOME:
            self._spill_outcomes()

    def _stream(self, name: str) -> KnownHead:
        noted = self._streams.get(name)
        if noted is None:
            if len(self._streams) >= self._at_hand:
                self._spill()
            values = self._database.execute(f"{_GET} WHERE name = ?", (_key(name),)).fetchone() if self._spilled else ()
            noted = self._streams[name] = _noted(values) if values else KnownHead(None, genesis(name))
            self.seen += not values
        return noted

    def _spill(self) -> None:
        rows = ((_key(name), *_values(noted)) for name, noted in self._streams.items())
        self._database.executemany(_PUT, rows)
        self._streams.clear()
        self._spilled = True
        self._spill_outcomes()

    def _spill_outcomes(self) -> None:
        self._database.executemany("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)", self._outcomes)
        self._outcomes.clear()


def _noted(values: Any) -> KnownHead:
    version, head, events, outcomes, doubtful, sealed_version, sealed_hash, passed = values
    return KnownHead(version, head, events, outcomes, bool(doubtful), sealed_version, sealed_hash, bool(passed))


def _values(noted: KnownHead) -> tuple[Any, ...]:
    return (
        noted.version,
        noted.head,
        noted.events,
        noted.outcomes,
        noted.doubtful,
        noted.sealed_version,
        noted.sealed_hash,
        noted.passed,
    )


def _key(name: str) -> bytes:
    return name.encode()


def _is_text(name: str) -> bool:
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)
