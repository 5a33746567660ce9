"""Dead letters of a view over many streams: what waits beside its guards is taken up again, or dropped."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.container import Container, Document, Operation
from projectors.errors import BrokenLog, Conflict, NotParked, Rejected, Unanswered, Unavailable
from projectors.generations.generation import partition_key
from projectors.views.failure import _TRIES, failure
from projectors.views.sums.checkpoint import RangeCheckpoint, RangeCheckpoints, conditional, upsert
from projectors.views.sums.documents import count_parts, parts_of, sum_document
from projectors.views.sums.late import Late, late_document, note_document, note_id, with_bounded_reason
from projectors.views.sums.projector import add_event
from projectors.views.sums.refusals import PARTS_PER_BATCH
from projectors.views.sums.view import BUCKET, Sums, SumView, plus

_log = logging.getLogger(__name__)
_UNTRIED = "has not been tried again: a retry or a drop has come as far as here"


class SumDeadLetters:
    """Drains what waits beside the guards of a view over many streams, sealed ones included: it belongs there."""

    def __init__(
        self, view: SumView, generation: int, *, views: Container, history: History, mapper: Mapper[str]
    ) -> None:
        self._view = view
        self._gateway = views
        self._history = history
        self._mapper = mapper
        self._partition = partition_key(view.name, generation, BUCKET)
        self._partials = RangeCheckpoints(views, self._partition)

    def retry(self, stream: str) -> dict[str, Any] | None:
        conflicts = 0
        while conflicts < _TRIES:
            try:
                waiting = self._partials.waiting(stream)
                if not waiting:
                    return None
                failed = self._take_in(*waiting[0], stream)
            except (Conflict, Unanswered):
                conflicts += 1
                continue
            if failed is not None:
                return failed
        raise Unavailable(f"{self._view.name}: {stream} keeps changing; try again")

    def drop(self, stream: str, version: int, *, by: str, at: datetime) -> None:
        when, unsure = at.isoformat(timespec="seconds"), False
        for _ in range(_TRIES):
            try:
                waiting = [found for found in self._partials.waiting(stream) if found[1].after + 1 == version]
                if not waiting:
                    if unsure and self._noted(stream, version, by=by, at=when):
                        return
                    raise NotParked(self._view.name, stream, version)
                guard, late = waiting[0]
                note = {"stream": stream, **late.error, "by": by, "at": when}
                beside: Operation = ("create", (note_document(self._partition, guard.lease, note),))
                left_out = replace(guard, left_out=guard.left_out + 1)
                self._write(left_out, stream, self._behind(stream, late), Sums(), beside)
            except (Conflict, Unanswered) as error:
                unsure = unsure or isinstance(error, Unanswered)
                continue
            return
        raise Unavailable(f"{self._view.name}: {stream} keeps changing; try again")

    def _behind(self, stream: str, late: Late) -> Late:
        """The mark one version further; what waits there has not been tried."""
        left = replace(late, after=late.after + 1)
        following = next(self._documents(stream, left), None)
        return left if following is None else replace(left, error=_untried(following))

    def _noted(self, stream: str, version: int, *, by: str, at: str) -> bool:
        """Whether an earlier try of the same drop was done, though its answer was lost."""
        ids = [note_id(guard.lease, stream, version) for guard in self._partials.all()]
        rows = self._gateway.read_many(self._partition, ids)
        return any((note["by"], note["at"]) == (by, at) for row in rows for note in row["dropped"])

    def _take_in(self, guard: RangeCheckpoint, late: Late, stream: str) -> dict[str, Any] | None:
        """One batch: what is late up to the first failure, or what fits, and the mark moved behind it or taken away."""
        try:
            return self._take_some(guard, late, stream, PARTS_PER_BATCH)
        except Rejected as error:
            _log.warning("%s: %s: %s; event by event from here", self._view.name, stream, error)
            return self._take_some(guard, late, stream, 1)

    def _take_some(self, guard: RangeCheckpoint, late: Late, stream: str, most: int) -> dict[str, Any] | None:
        """`most` 1 takes one event, and describes the failure when the store refuses that one."""
        sums = Sums()
        left = late
        failed = None
        for document in self._documents(stream, late):
            version = document["version"]
            try:
                added = add_event(self._view, self._mapper, document)
            except Exception as error:  # noqa: BLE001 - whatever a view raises is what is told about it
                failed = with_bounded_reason(failure(document, error))
                break
            full = count_parts(self._view, sums) + count_parts(self._view, added) > most
            if left is not late and (full or most == 1):
                left = replace(left, error=_untried(document))
                break
            for key, amounts in added.by_key.items():
                sums.add(key, **amounts)
            left = replace(left, after=version)
        if failed is not None:
            left = replace(left, error=failed, attempts=late.attempts + 1)
        try:
            self._write(guard, stream, left, sums)
        except Rejected as error:
            if most > 1:
                raise
            document = next(self._documents(stream, late))
            failed = with_bounded_reason(failure(document, error))
            self._write(guard, stream, replace(late, error=failed, attempts=late.attempts + 1), Sums())
        return failed

    def _documents(self, stream: str, late: Late) -> Iterator[Document]:
        """What waits, in order, all of it or an error. A replica that lags may lack the end for a moment."""
        version = late.after
        for document in self._history.documents(stream, after=late.after, upto=late.upto):
            version += 1
            if document["version"] != version:
                raise BrokenLog(stream, version)
            yield document
        if version < late.upto:
            raise Unanswered(f"{stream}: version {late.upto} is known and not yet to be read")

    def _write(self, guard: RangeCheckpoint, stream: str, late: Late, sums: Sums, *more: Operation) -> None:
        parts = dict(parts_of(self._view, sums))
        ids = {part.id(guard.lease): part for part in parts}
        rows = self._gateway.read_many(self._partition, list(ids)) if ids else []
        known = {ids[row["id"]]: row["sums"] for row in rows}
        done = late.after >= late.upto
        written = replace(guard, parked=guard.parked - done, drained=guard.drained + 1)
        operations: list[Operation] = [conditional(written, guard.etag)]
        for part, amounts in parts.items():
            total = plus(known.get(part, {}), amounts)
            document = sum_document(self._partition, guard.lease, part, total, guard.lsn)
            operations.append(upsert(document, exists=part in known))
        mark = late_document(self._partition, guard.lease, stream, late)
        operations.append(("delete", (mark["id"],)) if done else upsert(mark, exists=True))
        self._gateway.batch(self._partition, [*operations, *more])


def _untried(document: Document) -> dict[str, Any]:
    return {"version": document["version"], "type": document["type"], "reason": _UNTRIED}
