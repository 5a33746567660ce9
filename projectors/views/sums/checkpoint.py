"""The guard of one range's part of a view over many streams, and the sealing of it at a split.

    { "id": "~<range>", "pk": "view@generation:all", "lease", "lsn", "sealed", "at",
      "late": { "<stream>": { "after", "upto", "error", "attempts" } },
      "dropped": [ { "stream", "version", "type", "reason", "by", "at" } ] }

Each range keeps sums of its own, beside one guard, in one partition; a query adds them up. A batch holds the guard,
create-if-absent or If-Match, and the sums that change with it, so everything up to `lsn` is in them exactly once.

When a range splits, each child begins where its parent's part ends, which only the parent's guard knows: a worker of
the parent may have written beyond the position that its lease shows. So a child first seals its parent's guard. From
then on the parent's part is what it is, and a worker that still thinks it holds the parent stops when it reads that.
A parent that never wrote a part is sealed all the same, at the point where its own parent ends, or it could begin one
later.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from projectors.container import Document, Gateway
from projectors.errors import Conflict, LeaseLost, Unanswered
from projectors.generations.generation import GUARD_PREFIX


@dataclass(frozen=True, slots=True)
class Late:
    """A parked stream: events with `after` < version <= `upto` are not in the sums. `error` is that of after + 1."""

    after: int
    upto: int
    error: dict[str, Any]
    attempts: int = 1

    def document(self) -> Document:
        return {"after": self.after, "upto": self.upto, "error": self.error, "attempts": self.attempts}


@dataclass(frozen=True, slots=True)
class Partial:
    """One range's guard. `etag` is None while it is not stored."""

    partition: str
    lease: str
    lsn: int = 0
    at: str | None = None
    sealed: bool = False
    late: dict[str, Late] = field(default_factory=dict)
    dropped: tuple[dict[str, Any], ...] = ()
    etag: str | None = None

    @property
    def id(self) -> str:
        return GUARD_PREFIX + self.lease

    def document(self) -> Document:
        return {
            "id": self.id,
            "pk": self.partition,
            "lease": self.lease,
            "lsn": self.lsn,
            "at": self.at,
            "sealed": self.sealed,
            "late": {stream: late.document() for stream, late in sorted(self.late.items())},
            "dropped": list(self.dropped),
        }

    @classmethod
    def from_document(cls, document: Document) -> "Partial":
        return cls(
            partition=document["pk"],
            lease=document["lease"],
            lsn=document["lsn"],
            at=document["at"],
            sealed=document["sealed"],
            late={stream: Late(**late) for stream, late in document["late"].items()},
            dropped=tuple(document["dropped"]),
            etag=document["_etag"],
        )


class Partials:
    """The guards of one generation of one view over many streams."""

    def __init__(self, gateway: Gateway, partition: str) -> None:
        self._gateway = gateway
        self._partition = partition

    def of_lease(self, lease: str, ancestors: tuple[str, ...]) -> Partial:
        """Where this range's part stands; new parts begin where the sealed part of the parent ends.

        Raises LeaseLost when the part is sealed: the range was split, and this worker had not heard of it.
        """
        found = self._read(lease)
        if found is None:
            return Partial(self._partition, lease, lsn=self._end_of(ancestors))
        if found.sealed:
            raise LeaseLost(f"{self._partition} {lease}: sealed, the range was split")
        return found

    def all(self) -> list[Partial]:
        """Every part, sealed ones included."""
        rows = self._gateway.query("SELECT * FROM c WHERE c.id >= @guards", self._partition, guards=GUARD_PREFIX)
        return sorted((Partial.from_document(row) for row in rows), key=lambda partial: partial.lease)

    def _end_of(self, ancestors: tuple[str, ...]) -> int:
        """The LSN at which the nearest ancestor's part ends, sealing it."""
        if not ancestors:
            return 0
        parent, *older = ancestors
        while True:
            found = self._read(parent)
            if found is not None and found.sealed:
                return found.lsn
            try:
                if found is None:
                    sealed = Partial(self._partition, parent, lsn=self._end_of(tuple(older)), sealed=True)
                    self._gateway.create(sealed.document())
                else:
                    sealed = replace(found, sealed=True)
                    self._gateway.replace(sealed.document(), found.etag or "")
            except (Conflict, Unanswered):
                continue
            return sealed.lsn

    def _read(self, lease: str) -> Partial | None:
        found = self._gateway.read(GUARD_PREFIX + lease, self._partition)
        return None if found is None else Partial.from_document(found)
