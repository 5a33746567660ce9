"""dead_letters."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from projectors.container import Gateway, Operation
from projectors.errors import BrokenLog, Conflict, NotParked, Unanswered, Unavailable
from projectors.generations.generation import partition_key
from projectors.views.failure import _TRIES, failure
from projectors.views.sums.checkpoint import Late, Partial, Partials
from projectors.views.sums.projector import add_event, conditional, sum_document, sum_id, upsert
from projectors.views.sums.view import BUCKET, SumView, plus


class SumDrain:
    """Drains the guards of a view over many streams, sealed ones included: what is late there belongs there."""

    def __init__(
        self, view: SumView, generation: int, *, views: Gateway, history: History, mapper: Mapper[str]
    ) -> None:
        self._view = view
        self._gateway = views
        self._history = history
        self._mapper = mapper
        self._partition = partition_key(view.name, generation, BUCKET)
        self._partials = Partials(views, self._partition)

    def retry(self, stream: str) -> dict[str, Any] | None:
        for _ in range(_TRIES):
            waiting = [partial for partial in self._partials.all() if stream in partial.late]
            if not waiting:
                return None
            try:
                failed = self._take_in(waiting[0], stream)
            except (Conflict, Unanswered):
                continue
            if failed is not None:
                return failed
        raise Unavailable(f"{self._view.name}: {stream} keeps changing; try again")

    def drop(self, stream: str, version: int, *, by: str, at: datetime) -> None:
        for _ in range(_TRIES):
            waiting = [
                partial
                for partial in self._partials.all()
                if stream in partial.late and partial.late[stream].after + 1 == version
            ]
            if not waiting:
                raise NotParked(self._view.name, stream, version)
            late = waiting[0].late[stream]
            note = {"stream": stream, **late.error, "by": by, "at": at.isoformat(timespec="seconds")}
            without = replace(waiting[0], dropped=(*waiting[0].dropped, note))
            try:
                self._write(_shortened(without, stream, version), {}, waiting[0].etag)
            except (Conflict, Unanswered):
                continue
            return
        raise Unavailable(f"{self._view.name}: {stream} keeps changing; try again")

    def _take_in(self, partial: Partial, stream: str) -> dict[str, Any] | None:
        """One batch: everything late up to the first failure, and the mark moved behind it or taken away."""
        late = partial.late[stream]
        documents = list(self._history.documents(stream, after=late.after, upto=late.upto))
        if [document["version"] for document in documents] != list(range(late.after + 1, late.upto + 1)):
            raise BrokenLog(stream, late.after + 1)
        sums: dict[str, dict[str, int]] = {}
        failed = None
        for document in documents:
            try:
                added = add_event(self._view, self._mapper, document)
            except Exception as error:  # noqa: BLE001 - whatever a view raises is what is told about it
                failed = failure(document, error)
                break
            for key, amounts in added.by_key.items():
                sums[key] = plus(sums.get(key, {}), amounts)
            partial = _shortened(partial, stream, document["version"])
        if failed is not None:
            left = replace(partial.late[stream], error=failed, attempts=late.attempts + 1)
            partial = replace(partial, late=partial.late | {stream: left})
        self._write(partial, sums, partial.etag)
        return failed

    def _write(self, partial: Partial, sums: dict[str, dict[str, int]], etag: str | None) -> None:
        ids = [sum_id(key, partial.lease) for key in sums]
        known = {row["key"]: row["sums"] for row in self._gateway.read_many(self._partition, ids)} if ids else {}
        operations: list[Operation] = [conditional(partial, etag)]
        for key, amounts in sums.items():
            total = plus(known.get(key, {}), amounts)
            operations.append(upsert(sum_document(self._partition, partial.lease, key, total), exists=key in known))
        self._gateway.batch(self._partition, operations)


def _shortened(partial: Partial, stream: str, version: int) -> Partial:
    """The guard once `version` of the stream is no longer late."""
    late: dict[str, Late] = dict(partial.late)
    if version >= late[stream].upto:
        del late[stream]
    else:
        late[stream] = replace(late[stream], after=version)
    return replace(partial, late=late)
