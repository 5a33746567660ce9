"""A replica that is behind: what a container held some transactions, or some seconds, ago.

The service answers a read without a session token from any replica, and some have not heard the latest. While a fault
asks for that, every write notes what it overwrites in a table beside the items; the state after LSN n of a physical
partition is then

    the items whose own LSN is n at most, and
    of every item that was changed later what the first later change found.

So an item that was changed is there in its older version, one that was created is not there yet, one that was deleted
still is. Whether an item has expired each replica sees for itself.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from localazure.cosmos.protocol.errors import SESSION_NOT_AVAILABLE, NotFound
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.partitions import Partition
from localazure.cosmos.storage.resource import now
from localazure.cosmos.storage.store import LINEAGE_MASK, PARTITION_SHIFT, PLACE_BITS, Store

_KEPT = 20_000
"""Changes that are kept: a test of hours must not fill the memory."""

_COLUMNS = "container, epk, number, lsn, at, place, id, ts, expires, body"
_OLD = f"OLD.position & {LINEAGE_MASK}, OLD.id, OLD.ts, OLD.expires, OLD.body"
_NEW_LSN = f"(NEW.position & {LINEAGE_MASK}) >> {PLACE_BITS}"
_RECORD = f"""
CREATE TEMP TABLE IF NOT EXISTS undo (
    change INTEGER PRIMARY KEY, container INTEGER, epk TEXT, number INTEGER, lsn INTEGER, at REAL,
    place INTEGER, id TEXT, ts INTEGER, expires INTEGER, body BLOB);
CREATE INDEX IF NOT EXISTS temp.undo_by_item ON undo (container, epk, number, lsn);
CREATE TEMP TRIGGER IF NOT EXISTS note_insert AFTER INSERT ON main.items BEGIN
    INSERT INTO undo (container, epk, number, lsn, at)
    VALUES (NEW.container, NEW.epk, NEW.number, {_NEW_LSN}, moment());
END;
CREATE TEMP TRIGGER IF NOT EXISTS note_update AFTER UPDATE ON main.items
    WHEN (OLD.position & {LINEAGE_MASK}) <> (NEW.position & {LINEAGE_MASK}) BEGIN
    INSERT INTO undo ({_COLUMNS}) VALUES (OLD.container, OLD.epk, OLD.number, {_NEW_LSN}, moment(), {_OLD});
END;
CREATE TEMP TRIGGER IF NOT EXISTS note_delete AFTER DELETE ON main.items BEGIN
    INSERT INTO undo ({_COLUMNS}) VALUES (OLD.container, OLD.epk, OLD.number, writing_lsn(), moment(), {_OLD});
END;
CREATE TEMP TRIGGER IF NOT EXISTS forget AFTER INSERT ON undo BEGIN
    DELETE FROM undo WHERE change <= NEW.change - {_KEPT};
END;
"""  # noqa: S608 - numbers of this package


class Replicas:
    """Has writes keep what they overwrite, and tells how far a late replica is."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(self) -> None:
        """Keep from now on what every write overwrites: a replica is never older than this."""
        store = self._store
        with store.lock:
            store.add_function("moment", time.time)
            store.add_function("writing_lsn", lambda: store.writing_lsn)
            store.run_script(_RECORD)

    def lsn(self, container: Container, partition: Partition, writes: int, seconds: float) -> int:
        """The LSN of a replica that is so many transactions, or so many seconds, behind."""
        with self._store.lock:
            first, recent = self._store.one(
                "SELECT min(lsn), min(lsn) FILTER (WHERE at > ?) FROM undo "
                "WHERE container = ? AND epk >= ? AND epk < ?",
                (time.time() - seconds, container.number, partition.low, partition.high),
            )
            last = partition.lsn
            if first is None:
                return last
            (oldest,) = self._store.one("SELECT min(change) FROM undo")
            behind = last - writes
            if seconds and recent is not None:
                behind = min(behind, int(recent) - 1)
            is_whole = int(oldest) == 1  # else a part of the oldest transaction may be forgotten
            return max(behind, int(first) - int(is_whole))


@dataclass(frozen=True, slots=True)
class Late:
    """A replica that is to answer one request although it is behind."""

    replicas: Replicas
    writes: int
    seconds: float
    refuses_sessions: bool
    """Whether a session that has seen more is told so; else a replica that has caught up so far answers it."""

    def lsn(self, container: Container, partition: Partition, session: int) -> int:
        """The LSN that answers, for a session that has seen this LSN."""
        held = self.replicas.lsn(container, partition, self.writes, self.seconds)
        if session <= held:
            return held
        if self.refuses_sessions:
            raise NotFound(
                "The read session is not available for the input session token. "
                f"The replica of partition {partition.id} is at {held}, the session at {session}.",
                sub_status=SESSION_NOT_AVAILABLE,
            )
        return session


def items_at(container: Container, partition: Partition, lsn: int) -> str:
    """The items of a physical partition after an LSN, in the place of the table `items` in a statement."""
    columns = "container, epk, id, number, ts, expires, body"
    base = partition.number << PARTITION_SHIFT
    return (
        f"(SELECT position, {columns} FROM main.items WHERE (position & {LINEAGE_MASK}) < {(lsn + 1) << PLACE_BITS} "  # noqa: S608
        f"UNION ALL SELECT {base} | place, {columns} FROM undo AS found "
        f"WHERE container = {container.number} AND epk >= '{partition.low}' AND epk < '{partition.high}' "
        f"AND body IS NOT NULL AND (expires IS NULL OR expires > {now()}) "
        f"AND change = (SELECT min(change) FROM undo AS later "
        f"WHERE later.container = found.container AND later.epk = found.epk AND later.number = found.number "
        f"AND later.lsn > {lsn}))"
    )
