"""Brings one range's part of a view over many streams up to the log, with effects that happen exactly once.

    1  Read the range's guard. Sealed: stop. Absent: seal the parent's, begin where that ends.
    2  Add up, in memory, the events with LSN > guard; those of streams that wait only raise their marks.
    3  One batch: the guard with the last LSN, create-if-absent or If-Match, all sums and all marks that change.
    4  409, 412, no answer: back to 1, from the stored position.

An event that cannot be added parks its stream beside the guard, in the same batch that moves the LSN over it. So does
one that adds to a sum which the store refuses: what was refused is remembered, and the range starts again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter

from eventstore.log.documents import recorded_at
from eventstore.log.mapper import Mapper
from projectors.container import Container, Document, Operation
from projectors.errors import BadSum, Conflict, PoisonEvent, Rejected
from projectors.feed.change_feed import Page
from projectors.generations.generation import partition_key
from projectors.leases.lease import Lease
from projectors.views.failure import failure, report
from projectors.views.sums.checkpoint import RangeCheckpoint, RangeCheckpoints, conditional, upsert
from projectors.views.sums.documents import Part, check, count_parts, parts_of, sum_document
from projectors.views.sums.late import Late, late_document, with_bounded_reason
from projectors.views.sums.refusals import PARTS_PER_BATCH, Refusals
from projectors.views.sums.view import BUCKET, Sums, SumView, plus

_PARTS_PER_TRANSACTION = 98
"""Which one batch must hold, beside the guard and a mark."""
_REMEMBERED = 10_000
"""Documents, and streams, that are kept in memory between batches."""


@dataclass(slots=True)
class _Portion:
    """What one batch stores: how far it goes beyond the guard before it, and with what metadata of the last event; what
    is added to each key, and the marks that are set or raised."""

    before: RangeCheckpoint
    lsn: int
    meta: str | None = None
    sums: Sums = field(default_factory=Sums)
    late: dict[str, Late] = field(default_factory=dict)
    parked: set[str] = field(default_factory=set)
    """Those of the marks that are new."""

    @property
    def guard(self) -> RangeCheckpoint:
        """As it will be."""
        if self.meta is None:
            return self.before
        parked = self.before.parked + len(self.parked)
        return replace(self.before, lsn=self.lsn, at=recorded_at(self.meta), parked=parked)


class SumProjector:
    """One lease's handler for a view over many streams. Not safe between threads.

    `refusals` are what earlier handlers of the view have met.
    """

    def __init__(
        self,
        view: SumView,
        generation: int,
        lease: Lease,
        *,
        views: Container,
        mapper: Mapper[str],
        park: bool = True,
        refusals: Refusals | None = None,
    ) -> None:
        self._view = view
        self._lease = lease
        self._gateway = views
        self._mapper = mapper
        self._park = park
        self._refusals = refusals or Refusals()
        self._partition = partition_key(view.name, generation, BUCKET)
        self._partials = RangeCheckpoints(views, self._partition)
        self._stored: RangeCheckpoint | None = None
        self._now = _Portion(RangeCheckpoint(self._partition, lease.id), 0)
        self._portions: list[_Portion] = []
        self._documents: dict[Part, Document] = {}
        self._late: dict[str, Late | None] = {}
        self._most = PARTS_PER_BATCH

    @property
    def due(self) -> bool:
        """Whether enough is added up for a batch."""
        return bool(self._portions)

    def handle(self, page: Page) -> None:
        """Adds the events up; nothing is stored before `flush`."""
        if self._stored is None:
            self._stored = self._partials.of_lease(self._lease.id, self._lease.ancestors)
            self._now = _Portion(self._stored, self._stored.lsn)
        if self._stored.parked:
            self._look_up({document["streamId"] for document in page.documents})
        self._most = self._gateway.operations(self._refusals.most)
        for lsn, documents in groupby(page.documents, itemgetter("_lsn")):
            if lsn > self._now.lsn:
                self._take_in(lsn, list(documents))

    def flush(self) -> None:
        """Stores what was added up."""
        if self._now.meta is not None:
            self._close_portion()
        for portion in self._portions:
            self._write(portion)
        self._portions = []
        if self._stored is not None:
            self._now = _Portion(self._stored, self._stored.lsn)
        if len(self._documents) > _REMEMBERED:
            self._documents.clear()
        if len(self._late) > _REMEMBERED:
            self._late.clear()

    def _look_up(self, streams: Iterable[str]) -> None:
        """Which of the streams wait. Later than the guard was read: what is newer than it fails at its condition."""
        unknown = [stream for stream in streams if self._view.reads(stream) and stream not in self._late]
        if unknown:
            found = self._partials.late_of(self._lease.id, unknown)
            self._late |= {stream: found.get(stream) for stream in unknown}

    def _take_in(self, lsn: int, transaction: list[Document]) -> None:
        """A transaction whole, into this portion or the next one."""
        added: list[Sums] = []
        late: dict[str, Late] = {}
        for stream, documents in groupby(transaction, itemgetter("streamId")):
            if self._view.reads(stream):
                added.append(self._fold(stream, list(documents), late))
        before = self._weight(self._now.sums, self._now.late)
        if before and before + sum(count_parts(self._view, sums) for sums in added) + len(late) > self._most:
            self._close_portion()
        for sums in added:
            _merge(self._now.sums, sums)
        if late:
            self._now.parked |= {stream for stream in late if self._late.get(stream) is None}
            self._now.late |= late
            self._late |= late
        self._now.lsn, self._now.meta = lsn, transaction[-1]["meta"]

    def _fold(self, stream: str, documents: list[Document], late: dict[str, Late]) -> Sums:
        """What one stream's part of a transaction adds, up to the event that cannot be added."""
        last = documents[-1]["version"]
        waiting = self._late.get(stream)
        if waiting is not None:
            late[stream] = replace(waiting, upto=max(waiting.upto, last))
            return Sums()
        added = Sums()
        for document in documents:
            try:
                one = add_event(self._view, self._mapper, document)
                self._refusals.check(self._view, one, self._lease.id)
                self._check_fits(added, one)
            except Exception as error:
                failed = failure(document, error)
                if not self._park:
                    version, type_name = document["version"], document["type"]
                    raise PoisonEvent(self._view.name, stream, version, type_name, failed["reason"]) from error
                late[stream] = Late(document["version"] - 1, last, with_bounded_reason(failed))
                break
            if added.by_key:
                _merge(added, one)
            else:
                added = one
        return added

    def _check_fits(self, before: Sums, one: Sums) -> None:
        if count_parts(self._view, before) + count_parts(self._view, one) <= _PARTS_PER_TRANSACTION:
            return
        parts = {part for sums in (before, one) for part, _ in parts_of(self._view, sums)}
        if len(parts) > _PARTS_PER_TRANSACTION:
            raise BadSum(f"its transaction changes more than {_PARTS_PER_TRANSACTION} documents of sums")

    def _weight(self, sums: Sums, late: dict[str, Late]) -> int:
        return count_parts(self._view, sums) + len(late)

    def _close_portion(self) -> None:
        self._portions.append(self._now)
        guard = self._now.guard
        self._now = _Portion(guard, guard.lsn)

    def _write(self, portion: _Portion) -> None:
        """Raises Conflict or Unanswered: the range starts again from its stored position."""
        etag = self._stored.etag if self._stored is not None else None
        guard = portion.guard
        sums = self._sums(portion, known=etag is not None)
        operations: list[Operation] = [conditional(guard, etag)]
        operations += [upsert(document, exists=part in self._documents) for part, document in sums.items()]
        for stream, late in portion.late.items():
            document = late_document(self._partition, self._lease.id, stream, late)
            operations.append(upsert(document, exists=stream not in portion.parked))
        try:
            etag = self._gateway.batch(self._partition, operations)[0]
        except Conflict as error:
            if error.index and etag is None:
                raise Rejected(
                    f"{self._view.name} {self._lease.id}: there are sums without the guard that they belong to: "
                    f"rebuild the view"
                ) from error
            raise
        except Rejected as error:
            told = f"{self._view.name} {self._lease.id}: {error}"
            raise self._refusals.learn(told, list(sums), operations, error, self._lease.id) from error
        self._stored = replace(guard, etag=etag)
        self._documents |= sums
        self._tell(portion)

    def _sums(self, portion: _Portion, *, known: bool) -> dict[Part, Document]:
        """The documents as they will be."""
        added = dict(parts_of(self._view, portion.sums))
        missing = {part.id(self._lease.id): part for part in added if part not in self._documents}
        if missing and known:
            for row in self._gateway.read_many(self._partition, list(missing)):
                self._documents[missing[row["id"]]] = row
        return {
            part: sum_document(
                self._partition,
                self._lease.id,
                part,
                plus(self._documents[part]["sums"], amounts) if part in self._documents else amounts,
                portion.lsn,
            )
            for part, amounts in added.items()
        }

    def _tell(self, portion: _Portion) -> None:
        for stream in sorted(portion.parked):
            report(self._view.name, stream, portion.late[stream].error)


def _merge(sums: Sums, more: Sums) -> None:
    for key, amounts in more.by_key.items():
        sums.add(key, **amounts)


def add_event(view: SumView, mapper: Mapper[str], document: Document) -> Sums:
    """What the event adds. What the view raises passes through; BadSum for what no store keeps."""
    sums = Sums()
    if view.concerns(document):
        view.apply(sums, mapper.event_of(document))
        check(sums)
    return sums
