"""The guard of one range's part of a view over many streams, and the sealing of it at a split.

    { "id": "~<range>", "pk": "view@generation:all", "lease", "lsn", "sealed", "at", "parked", "left_out",
      "drained" }

Each range keeps sums of its own, beside one guard, in one partition; a query adds them up. A batch holds the guard,
create-if-absent or If-Match, and what changes with it, so everything up to `lsn` is in the sums exactly once, but for
the events of `parked` streams that wait beside the guard (`projectors.views.sums.late`), and `left_out` ones that were
dropped.
`drained` counts the batches that took such events in, or left them out for good, without moving `lsn`.

An earlier form kept the waiting streams and the notes inside the guard, as `late` and `dropped`. Whoever is to write
such a guard first moves them beside it. A guard without the two is one that the earlier program cannot read: it would
take it for one with nothing parked.

When a range splits, each child begins where its parent's part ends, which only the parent's guard knows: a worker of
the parent may have written beyond the position that its lease shows. So a child first seals its parent's guard. From
then on the parent's part is what it is, and a worker that still thinks it holds the parent stops when it reads that.
A parent that wrote no guard gets one that is sealed from the start, at the position where its own parent ends: else a
late worker of it could still create one, and count what the children count. Example: 00-FF, sealed at LSN 70, splits
into 00-80 and 80-FF; 00-80 splits again before its first write. Its children create its guard, sealed at 70, and begin
behind 70.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from projectors.container import Container, Document, Operation
from projectors.errors import Conflict, LeaseLost, Unanswered, Unavailable
from projectors.generations.generation import GUARD_PREFIX
from projectors.views.sums.late import LATE_PREFIX, Late, late_document, late_id, note_document

_TRIES = 20
_MOVED_AT_ONCE = 90
_NEARLY_FULL = 2_000_000
"""Bytes of a guard that leave a batch no room for many documents beside it."""


@dataclass(frozen=True, slots=True)
class RangeCheckpoint:
    """One range's guard. `etag` is None while it is not stored. `late` and `dropped` are what lies inside it."""

    partition: str
    lease: str
    lsn: int = 0
    at: str | None = None
    sealed: bool = False
    parked: int = 0
    left_out: int = 0
    drained: int = 0
    late: dict[str, Late] = field(default_factory=dict)
    dropped: tuple[dict[str, Any], ...] = ()
    etag: str | None = None
    is_earlier_form: bool = field(default=False, compare=False)
    """As it was read; whatever is written is of the form above."""

    @property
    def id(self) -> str:
        return GUARD_PREFIX + self.lease

    def document(self) -> Document:
        document: Document = {
            "id": self.id,
            "pk": self.partition,
            "lease": self.lease,
            "lsn": self.lsn,
            "at": self.at,
            "sealed": self.sealed,
            "parked": self.parked,
            "left_out": self.left_out,
            "drained": self.drained,
        }
        if self.late:
            document["late"] = {stream: late.facts() for stream, late in sorted(self.late.items())}
        if self.dropped:
            document["dropped"] = list(self.dropped)
        return document

    @classmethod
    def from_document(cls, document: Document) -> "RangeCheckpoint":
        return cls(
            partition=document["pk"],
            lease=document["lease"],
            lsn=document["lsn"],
            at=document["at"],
            sealed=document["sealed"],
            parked=document.get("parked", 0),
            left_out=document.get("left_out", 0),
            drained=document.get("drained", 0),
            late={stream: Late.from_document(late) for stream, late in document.get("late", {}).items()},
            dropped=tuple(document.get("dropped", ())),
            etag=document["_etag"],
            is_earlier_form="parked" not in document,
        )


def conditional(guard: RangeCheckpoint, etag: str | None) -> Operation:
    """The conditional write of a guard, first in its batch."""
    document = guard.document()
    return ("create", (document,)) if etag is None else ("replace", (guard.id, document), {"if_match_etag": etag})


def upsert(document: Document, *, exists: bool) -> Operation:
    """Under the guard's condition a plain write is enough: whoever changes what lies beside it changes the guard."""
    return ("replace", (document["id"], document)) if exists else ("create", (document,))


class RangeCheckpoints:
    """The guards of one generation of one view over many streams, and the streams that wait beside them.

    What lies beside a guard is read after the guard: then it is as new, and if it is newer the guard's condition fails.
    """

    def __init__(self, gateway: Container, partition: str) -> None:
        self._gateway = gateway
        self._partition = partition

    def of_lease(self, lease: str, ancestors: tuple[str, ...]) -> RangeCheckpoint:
        """Where this range's part stands; new parts begin where the sealed part of the parent ends.

        Raises LeaseLost when the part is sealed: the range was split, and this worker had not heard of it.
        """
        found = self._read(lease)
        if found is None:
            return RangeCheckpoint(self._partition, lease, lsn=self._end_of(ancestors))
        if found.sealed:
            raise LeaseLost(f"{self._partition} {lease}: sealed, the range was split")
        return self.moved(found)

    def all(self) -> list[RangeCheckpoint]:
        """Every part, sealed ones included."""
        rows = self._gateway.query(
            "SELECT * FROM c WHERE c.id >= @guards AND c.id < @late",
            self._partition,
            guards=GUARD_PREFIX,
            late=LATE_PREFIX,
        )
        return sorted((RangeCheckpoint.from_document(row) for row in rows), key=lambda partial: partial.lease)

    def late_of(self, lease: str, streams: Collection[str]) -> dict[str, Late]:
        """Those of the streams that wait in this range's part."""
        rows = self._gateway.read_many(self._partition, [late_id(lease, stream) for stream in streams])
        return {row["stream"]: Late.from_document(row) for row in rows}

    def waiting(self, stream: str) -> list[tuple[RangeCheckpoint, Late]]:
        """The parts in which the stream waits. Raises Conflict, Unanswered."""
        guards = self._guards_of(stream)
        rows = self._gateway.query(
            "SELECT * FROM c WHERE c.stream = @stream AND IS_DEFINED(c.upto)", self._partition, stream=stream
        )
        return [(guards[row["lease"]], Late.from_document(row)) for row in rows if row["lease"] in guards]

    def _guards_of(self, stream: str) -> dict[str, RangeCheckpoint]:
        return {guard.lease: self.moved(guard) if stream in guard.late else guard for guard in self.all()}

    def moved(self, guard: RangeCheckpoint) -> RangeCheckpoint:
        """The guard once nothing lies inside it any more. Raises Conflict, Unanswered."""
        while guard.late or guard.dropped:
            guard = self._move_some(guard)
        return guard

    def _move_some(self, guard: RangeCheckpoint) -> RangeCheckpoint:
        """Notes first: without `dropped` the earlier program stops, so it never sees a part of `late` only."""
        full = len(orjson.dumps(guard.document())) > _NEARLY_FULL
        most = 1 if full else self._gateway.operations(_MOVED_AT_ONCE)
        notes = guard.dropped[:most]
        late = [] if notes else list(guard.late.items())[:most]
        left = replace(
            guard,
            parked=guard.parked + len(late),
            left_out=guard.left_out + len(notes),
            late={stream: found for stream, found in guard.late.items() if stream not in dict(late)},
            dropped=guard.dropped[len(notes) :],
        )
        beside = [note_document(self._partition, guard.lease, note) for note in notes]
        beside += [late_document(self._partition, guard.lease, stream, found) for stream, found in late]
        operations = [conditional(left, guard.etag), *(("create", (document,)) for document in beside)]
        return replace(left, etag=self._gateway.batch(self._partition, operations)[0])

    def _end_of(self, ancestors: tuple[str, ...]) -> int:
        """The LSN at which the nearest ancestor's part ends, sealing it."""
        if not ancestors:
            return 0
        parent, *older = ancestors
        for _ in range(_TRIES):
            found = self._read(parent)
            if found is not None and found.sealed:
                return found.lsn
            try:
                if found is None:
                    sealed = RangeCheckpoint(self._partition, parent, lsn=self._end_of(tuple(older)), sealed=True)
                    self._gateway.create(sealed.document())
                else:
                    found = self.moved(found)
                    sealed = replace(found, sealed=True)
                    self._gateway.replace(sealed.document(), found.etag or "")
            except (Conflict, Unanswered):
                continue
            return sealed.lsn
        raise Unavailable(f"{self._partition} {parent}: cannot be sealed, it keeps changing; trying again later")

    def _read(self, lease: str) -> RangeCheckpoint | None:
        found = self._gateway.read(GUARD_PREFIX + lease, self._partition)
        return None if found is None else RangeCheckpoint.from_document(found)
