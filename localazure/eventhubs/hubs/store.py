"""Hubs and events in SQLite: one file, or memory.

A batch and the partition's new end go in one transaction, so a batch is there whole or not at all and a sequence
number that was ever shown is never given out again, also after retention removed the events. The write-ahead log
survives the death of the process at any instant; it is not synced at every commit, so a power cut may cost the last
moments (a development server's trade: 20 us instead of milliseconds per batch).

An event's row id is its partition's id shifted by 40 bits plus its sequence number: rows of one partition lie next
to each other in order, and appending needs no second index. Sequence numbers are contiguous within what is kept,
offsets and times never fall, so a position by offset or time is found by bisection.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from localazure.eventhubs.errors import ConfigurationError

Column = Literal["offset", "enqueued_ms"]

_SHIFT = 40
_SCHEMA = """
CREATE TABLE IF NOT EXISTS hub (name TEXT PRIMARY KEY COLLATE NOCASE, created_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS partition (
    id INTEGER PRIMARY KEY,
    hub TEXT NOT NULL COLLATE NOCASE REFERENCES hub (name),
    number INTEGER NOT NULL,
    next_sequence INTEGER NOT NULL DEFAULT 0,
    next_offset INTEGER NOT NULL DEFAULT 0,
    last_offset INTEGER NOT NULL DEFAULT -1,
    last_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (hub, number)
) STRICT;
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY,
    offset INTEGER NOT NULL,
    enqueued_ms INTEGER NOT NULL,
    message BLOB NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a partition: the next sequence number and offset (bytes), and the last event's offset and time."""

    next_sequence: int = 0
    next_offset: int = 0
    last_offset: int = -1
    last_ms: int = 0


class Row(NamedTuple):
    """An event as stored: the message in the form that consumers get."""

    sequence: int
    offset: int
    enqueued_ms: int
    message: bytes


class EventStore:
    """All hubs of a server. Not thread-safe: the server's loop is its only user."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._sql = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=0)
        try:
            # Two servers on one file would both believe they know the next sequence number.
            self._sql.execute("PRAGMA locking_mode = EXCLUSIVE")
            # Large pages and rare checkpoints: appending 100 events of 1 KB takes a third of the default's time.
            self._sql.execute("PRAGMA page_size = 16384")
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA wal_autocheckpoint = 4000")
            self._sql.execute("PRAGMA synchronous = NORMAL")
            self._sql.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._sql.close()
            if "locked" not in str(error):
                raise
            raise ConfigurationError(
                f"{path} is in use by another Event Hubs server; stop it or choose another data directory"
            ) from error

    def close(self) -> None:
        self._sql.close()

    def hubs(self) -> list[str]:
        """The names of all hubs ever created here."""
        return [name for (name,) in self._sql.execute("SELECT name FROM hub ORDER BY name")]

    def open_hub(self, name: str, partitions: int | None, now_ms: int) -> tuple[int, list[tuple[int, Tail]]]:
        """Creation time (ms) and, by number, the id and end of each partition; creates what is missing.

        `partitions` None takes the stored number. Raises ConfigurationError when the stored hub has another number:
        as in Azure it is fixed at creation.
        """
        with self._transaction():
            self._sql.execute("INSERT OR IGNORE INTO hub VALUES (?, ?)", (name, now_ms))
            stored = self._sql.execute("SELECT count(*) FROM partition WHERE hub = ?", (name,)).fetchone()[0]
            if stored == 0:
                numbers = [(name, number) for number in range(partitions or 0)]
                self._sql.executemany("INSERT INTO partition (hub, number) VALUES (?, ?)", numbers)
            elif partitions not in (None, stored):
                raise ConfigurationError(
                    f"hub {name!r} is stored with {stored} partitions and cannot become one with {partitions}; "
                    f"ask for {stored}, or use another name or data directory"
                )
            created = self._sql.execute("SELECT created_ms FROM hub WHERE name = ?", (name,)).fetchone()[0]
            rows = self._sql.execute(
                "SELECT id, next_sequence, next_offset, last_offset, last_ms FROM partition"
                " WHERE hub = ? ORDER BY number",
                (name,),
            ).fetchall()
        return created, [(row[0], Tail(*row[1:])) for row in rows]

    def append(self, partition: int, rows: Sequence[Row], tail: Tail) -> None:
        """Stores the rows and the partition's new end together."""
        base = partition << _SHIFT
        with self._transaction():
            self._sql.executemany(
                "INSERT INTO event VALUES (?, ?, ?, ?)",
                [(base | row.sequence, row.offset, row.enqueued_ms, row.message) for row in rows],
            )
            self._sql.execute(
                "UPDATE partition SET next_sequence = ?, next_offset = ?, last_offset = ?, last_ms = ? WHERE id = ?",
                (tail.next_sequence, tail.next_offset, tail.last_offset, tail.last_ms, partition),
            )

    def read(self, partition: int, sequence: int, limit: int) -> list[tuple[int, bytes]]:
        """Sequence number and message of at most `limit` events from `sequence` on."""
        base = partition << _SHIFT
        rows = self._sql.execute(
            "SELECT id, message FROM event WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
            (base | sequence, (partition + 1) << _SHIFT, limit),
        )
        return [(row_id - base, message) for row_id, message in rows]

    def first_sequence(self, partition: int) -> int | None:
        """The oldest event that is kept."""
        base = partition << _SHIFT
        query = "SELECT min(id) FROM event WHERE id >= ? AND id < ?"
        (row_id,) = self._sql.execute(query, (base, (partition + 1) << _SHIFT)).fetchone()
        return None if row_id is None else int(row_id) - base

    def bisect(self, partition: int, column: Column, value: int, low: int, high: int) -> int:
        """The first sequence number in [low, high) whose column is not below `value`, else `high`."""
        base = partition << _SHIFT
        while low < high:
            middle = (low + high) // 2
            query = f"SELECT {column} FROM event WHERE id = ?"  # noqa: S608 (the column is a literal of this module)
            (found,) = self._sql.execute(query, (base | middle,)).fetchone()
            if found < value:
                low = middle + 1
            else:
                high = middle
        return low

    def trim(self, partition: int, sequence: int) -> None:
        """Removes all events before `sequence`."""
        base = partition << _SHIFT
        with self._transaction():
            self._sql.execute("DELETE FROM event WHERE id >= ? AND id < ?", (base, base | sequence))

    def _transaction(self) -> _Transaction:
        return _Transaction(self._sql)


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK on any exception."""

    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql

    def __enter__(self) -> None:
        self._sql.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._sql.execute("COMMIT" if kind is None else "ROLLBACK")
