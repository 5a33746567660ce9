"""Brings one range's part of a view over many streams up to the log, with effects that happen exactly once.

    1  Read the range's guard. Sealed: stop. Absent: seal the parent's, begin where that ends.
    2  Add up, in memory, the events with LSN > guard.
    3  One batch: the guard with the last LSN, create-if-absent or If-Match, and all sums that change.
    4  409, 412, no answer: back to 1, from the stored position.

An event that cannot be added parks its stream in the guard, in the same batch that moves the LSN over it.
"""

from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from eventstore.log.documents import recorded_at
from eventstore.log.mapper import Mapper
from projectors import metrics
from projectors.container import Document, Gateway, Operation
from projectors.errors import PoisonEvent
from projectors.feed.change_feed import Page
from projectors.generations.generation import partition_key
from projectors.leases.lease import Lease
from projectors.views.failure import failure
from projectors.views.sums.checkpoint import Late, Partial, Partials
from projectors.views.sums.view import BUCKET, Sums, SumView, plus

_KEYS_PER_BATCH = 90
"""Of 100 operations; one transaction may add a few keys beyond it."""


@dataclass(frozen=True, slots=True)
class _Portion:
    """What one batch stores: the guard after it, and what is added to each key."""

    guard: Partial
    sums: dict[str, dict[str, int]]


class SumProjector:
    """One lease's handler for a view over many streams. Not safe between threads."""

    def __init__(
        self,
        view: SumView,
        generation: int,
        lease: Lease,
        *,
        views: Gateway,
        mapper: Mapper[str],
        park: bool = True,
    ) -> None:
        self._view = view
        self._lease = lease
        self._gateway = views
        self._mapper = mapper
        self._park = park
        self._partition = partition_key(view.name, generation, BUCKET)
        self._partials = Partials(views, self._partition)
        self._stored: Partial | None = None
        self._guard = Partial(self._partition, lease.id)
        self._sums = Sums()
        self._portions: list[_Portion] = []
        self._totals: dict[str, Document] = {}

    @property
    def due(self) -> bool:
        """Whether enough is added up for a batch."""
        return bool(self._portions)

    def handle(self, page: Page) -> None:
        """Adds the events up; nothing is stored before `flush`."""
        if self._stored is None:
            self._stored = self._guard = self._partials.of_lease(self._lease.id, self._lease.ancestors)
        for lsn, documents in groupby(page.documents, itemgetter("_lsn")):
            if lsn <= self._guard.lsn:
                continue
            for document in documents:
                self._add(document)
            self._guard = replace(self._guard, lsn=lsn, at=recorded_at(document["meta"]))
            if len(self._sums.by_key) >= self._gateway.operations(_KEYS_PER_BATCH):
                self._close_portion()

    def flush(self) -> None:
        """Stores what was added up."""
        if self._stored is not None and self._guard != self._stored:
            self._close_portion()
        for portion in self._portions:
            self._write(portion)
        self._portions = []
        if self._stored is not None:
            self._guard = self._stored

    def _add(self, document: Document) -> None:
        stream, version, type_name = document["streamId"], document["version"], document["type"]
        if not self._view.reads(stream):
            return
        late = self._guard.late.get(stream)
        if late is not None:
            self._set_late(stream, replace(late, upto=max(late.upto, version)))
            return
        if type_name not in self._view.types:
            return
        try:
            added = add_event(self._view, self._mapper, document)
        except Exception as error:
            failed = failure(document, error)
            if not self._park:
                raise PoisonEvent(self._view.name, stream, version, type_name, failed["reason"]) from error
            self._set_late(stream, Late(version - 1, version, failed))
            metrics.parks.add(1, {"view": self._view.name})
            return
        for key, amounts in added.by_key.items():
            self._sums.add(key, **amounts)

    def _set_late(self, stream: str, late: Late) -> None:
        self._guard = replace(self._guard, late=self._guard.late | {stream: late})

    def _close_portion(self) -> None:
        self._portions.append(_Portion(self._guard, self._sums.by_key))
        self._sums = Sums()

    def _write(self, portion: _Portion) -> None:
        """Raises Conflict or Unanswered: the range starts again from its stored position."""
        missing = [sum_id(key, self._lease.id) for key in portion.sums if key not in self._totals]
        if missing and self._stored is not None and self._stored.etag is not None:
            found = self._gateway.read_many(self._partition, missing)
            self._totals |= {row["key"]: row for row in found}
        etag = self._stored.etag if self._stored is not None else None
        operations: list[Operation] = [conditional(portion.guard, etag)]
        for key, amounts in portion.sums.items():
            known = self._totals.get(key)
            document = sum_document(
                self._partition, self._lease.id, key, plus(known["sums"], amounts) if known else amounts
            )
            operations.append(upsert(document, exists=known is not None))
            self._totals[key] = document
        self._stored = replace(portion.guard, etag=self._gateway.batch(self._partition, operations)[0])


def add_event(view: SumView, mapper: Mapper[str], document: Document) -> Sums:
    """What the event adds. What the view raises passes through."""
    sums = Sums()
    if document["type"] in view.types:
        view.apply(sums, mapper.event_of(document))
    return sums


def sum_id(key: str, lease: str) -> str:
    """The id of a range's sums of a key."""
    return f"{key}@{lease}"


def sum_document(partition: str, lease: str, key: str, sums: dict[str, int]) -> Document:
    return {"id": sum_id(key, lease), "pk": partition, "lease": lease, "key": key, "sums": sums}


def conditional(guard: Partial, etag: str | None) -> Operation:
    """The conditional write of a guard, first in its batch."""
    document = guard.document()
    return ("create", (document,)) if etag is None else ("replace", (guard.id, document), {"if_match_etag": etag})


def upsert(document: Document, *, exists: bool) -> Operation:
    """Under the guard's condition a plain write is enough: whoever changes a sum changes the guard."""
    return ("replace", (document["id"], document)) if exists else ("create", (document,))
