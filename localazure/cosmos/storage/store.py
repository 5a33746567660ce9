"""The SQLite file underneath: schema, one connection, one lock, transactions.

Items lie in the order of the change feed. The row's key is

    partition number (20 bits) | LSN inside the partition (36 bits) | place inside the transaction (7 bits)

so draining a physical partition is one sequential scan, and a page can end exactly between two transactions.
Two indexes lead from a logical partition to its items: by id, and by creation order.

WAL with `synchronous=NORMAL`: a killed process loses no committed transaction (the operating system holds the
pages); only a power cut could.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

FILE_NAME = "cosmos.sqlite3"

_LOCK_TIMEOUT = 0.2

LSN_BITS = 36
PLACE_BITS = 7
PARTITION_SHIFT = LSN_BITS + PLACE_BITS
LINEAGE_MASK = (1 << PARTITION_SHIFT) - 1
"""The part of a row's key that survives a split."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases (number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS containers (
    number INTEGER PRIMARY KEY AUTOINCREMENT, database INTEGER NOT NULL, next_item INTEGER NOT NULL DEFAULT 1,
    keeps_versions INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS partitions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, container INTEGER NOT NULL, id TEXT NOT NULL, low TEXT NOT NULL,
    high TEXT NOT NULL, parents TEXT NOT NULL, generation INTEGER NOT NULL, lsn INTEGER NOT NULL,
    alive INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS offers (number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    position INTEGER PRIMARY KEY, container INTEGER NOT NULL, epk TEXT NOT NULL, id TEXT NOT NULL,
    number INTEGER NOT NULL, ts INTEGER NOT NULL, expires INTEGER, body BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS items_by_id ON items (container, epk, id);
CREATE INDEX IF NOT EXISTS items_by_number ON items (container, epk, number);
CREATE INDEX IF NOT EXISTS items_by_expiry ON items (container, expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS unique_keys (
    container INTEGER NOT NULL, epk TEXT NOT NULL, policy INTEGER NOT NULL, value TEXT NOT NULL,
    number INTEGER NOT NULL, PRIMARY KEY (container, epk, policy, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
    position INTEGER PRIMARY KEY, container INTEGER NOT NULL, epk TEXT NOT NULL, operation TEXT NOT NULL,
    ts INTEGER NOT NULL, previous INTEGER, current BLOB, old BLOB);
"""


def lsn_of(position: int) -> int:
    """The LSN inside a row's key."""
    return (position & LINEAGE_MASK) >> PLACE_BITS


class DataInUseError(RuntimeError):
    """Another process serves the same file."""


class Transaction:
    """Holds the store's lock; commits at the end, rolls back on any exception."""

    __slots__ = ("_begins", "_store")

    def __init__(self, store: Store, *, begins: bool) -> None:
        self._store = store
        self._begins = begins

    def __enter__(self) -> None:
        store = self._store
        store.lock.acquire()
        try:
            if not store.depth:
                store.undo.clear()
            if self._begins:
                store.begin()
            store.depth += 1
        except BaseException:
            store.lock.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        store = self._store
        try:
            store.depth -= 1
            if not store.depth:
                if kind is None:
                    store.commit()
                else:
                    store.roll_back()
        finally:
            store.lock.release()


class Store:
    """One SQLite database; every use of the connection happens under `lock`."""

    def __init__(self, data: Path | None) -> None:
        self.lock = threading.RLock()
        self.transaction = Transaction(self, begins=True)
        """A context manager: all or nothing. Nested use joins the outer transaction."""
        self.statement = Transaction(self, begins=False)
        """The same for one statement, which is a transaction of its own to SQLite: BEGIN and COMMIT are spared. Whoever
        then writes more than one calls `begin` before the first."""
        self.depth = 0
        """How many uses of these two are nested."""
        self.writing_lsn = 0
        """The LSN of the transaction that writes now; what is deleted does not show it."""
        self.undo: list[tuple[Callable[..., object], tuple[Any, ...]]] = []
        """What undoes the changes in memory, should the transaction that they belong to be taken back on disk."""
        self._connection = sqlite3.connect(
            _file(data), timeout=_LOCK_TIMEOUT, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            self._prepare()
        except sqlite3.OperationalError as error:
            self._connection.close()
            if "locked" not in str(error):
                raise
            raise DataInUseError(
                f"The data at '{data}' is in use by another server. Stop that one, or name another folder."
            ) from error
        self.execute = self._connection.execute
        self._cursor = self._connection.cursor()
        self.write, self.write_many = self._cursor.execute, self._cursor.executemany
        """For statements that return no rows: one cursor for all of them."""

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # two servers on one file would share its counters
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA temp_store=MEMORY")
        self._connection.execute("PRAGMA cache_size=-65536")
        self._connection.execute("PRAGMA wal_autocheckpoint=4000")
        self._connection.executescript(_SCHEMA)

    def begin(self) -> None:
        """From here on several statements are one transaction."""
        if not self._connection.in_transaction:
            self.write("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End the transaction; when even that fails (a full disk), take it back, so that the next one can begin."""
        if self._connection.in_transaction:
            try:
                self.write("COMMIT")
            except sqlite3.Error:
                self.roll_back()
                raise

    def on_roll_back(self, action: Callable[..., object], *arguments: Any) -> None:
        """Note what undoes a change in memory."""
        self.undo.append((action, arguments))

    def roll_back(self) -> None:
        """Take the transaction back, on disk and in memory."""
        if self._connection.in_transaction:  # SQLite itself takes some transactions back when it cannot write
            self.write("ROLLBACK")
        while self.undo:
            action, arguments = self.undo.pop()
            action(*arguments)

    def last_lsn(self, partition: int) -> int:
        """The highest LSN of a physical partition: that of a row, or that of a deletion, which leaves none."""
        span = (partition << PARTITION_SHIFT, (partition + 1) << PARTITION_SHIFT)
        (last,) = self.one("SELECT max(position) FROM items WHERE position >= ? AND position < ?", span)
        (noted,) = self.one("SELECT max(lsn) FROM partitions WHERE number = ?", (partition,))
        return max(lsn_of(last or 0), noted or 0)

    def one(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first row, or None."""
        with self.lock:
            return self.execute(statement, parameters).fetchone()

    def all(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """Every row."""
        with self.lock:
            return self.execute(statement, parameters).fetchall()

    def add_function(self, name: str, function: Callable[[], Any]) -> None:
        """Make a function without arguments known to SQL."""
        self._connection.create_function(name, 0, function)

    def run_script(self, statements: str) -> None:
        """Run statements that define things."""
        self._connection.executescript(statements)

    def close(self) -> None:
        """Close the connection; the write-ahead log is folded into the file."""
        with self.lock:
            self._cursor.close()  # one that holds a failed COMMIT would keep the file locked
            self._connection.close()


def _file(data: Path | None) -> str:
    if data is None:
        return ":memory:"
    if data.suffix and not data.is_dir():
        data.parent.mkdir(parents=True, exist_ok=True)
        return str(data)
    data.mkdir(parents=True, exist_ok=True)
    return str(data / FILE_NAME)
