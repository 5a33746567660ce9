"""Mends what one stream has in a view, where it lies, under its guard: live workers go on beside it.

What is stored is compared with a plain fold of the log, and what differs is written in batches that hold the guard
If-Match. A worker that changes the stream meanwhile makes the batch fail, and everything is looked at again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eventstore.log.limits import MAX_OPERATIONS
from projectors.container import Document, Operation
from projectors.database import Database
from projectors.errors import Conflict, Unanswered, Unavailable
from projectors.generations.generation import GUARD_PREFIX
from projectors.views.streams.checkpoint_store import guard_place
from projectors.views.streams.view import StreamView
from projectors.views.view import View
from replay.contents.fold import Folded, fold_stream
from replay.contents.hashing import hash_of
from replay.errors import NotMendable

_TRIES = 20
_ITEMS = MAX_OPERATIONS - 1
_PARKING = ("upto", "error", "attempts", "dropped", "left_out")


@dataclass(frozen=True, slots=True)
class Repaired:
    """`written` documents were created, replaced or deleted; 0 when the stream was right already. `version` is what it
    reflects now, `parked` whether it waits there."""

    view: str
    generation: int
    stream: str
    version: int
    written: int
    parked: bool


def repair(stores: Database, view: View, stream: str) -> Repaired:
    """Makes what the serving generation has of a stream what the log says.

    A stream that is parked is mended up to where it waits, and goes on waiting. Raises NotMendable for a stream that
    the view does not read and for a view over many streams; PoisonEvent when the view cannot apply an event;
    Unavailable.
    """
    if not isinstance(view, StreamView):
        raise NotMendable(f"{view.name} adds up many streams: none of them has an item there; rebuild it whole")
    if not view.reads(stream):
        raise NotMendable(f"{view.name} does not read {stream}: it reads {view.category}-…")
    return _Mend(stores, view, stream).run()


class _Mend:
    def __init__(self, stores: Database, view: StreamView, stream: str) -> None:
        self._stores = stores
        self._view = view
        self._stream = stream
        self._generation = stores.registry.of(view.name).serving
        self._place = guard_place(view, self._generation, stream)

    def run(self) -> Repaired:
        for _ in range(_TRIES):
            stored = self._stores.views.read(self._place.id, self._place.partition)
            items = self._items()
            folded = self._fold(stored)
            if folded.guard is None and stored is None and not items:
                raise NotMendable(f"neither the log nor {self._view.name} knows {self._stream}")
            try:
                written = self._write(stored, items, folded)
            except (Conflict, Unanswered):
                continue
            version = folded.guard["version"] if folded.guard else 0
            parked = stored is not None and "upto" in stored
            return Repaired(self._view.name, self._generation, self._stream, version, written, parked)
        raise Unavailable(f"{self._view.name}: {self._stream} keeps changing; try again")

    def _items(self) -> dict[str, Document]:
        rows = self._stores.views.query(
            "SELECT * FROM c WHERE c.stream = @stream", self._place.partition, stream=self._stream
        )
        return {row["id"]: row for row in rows if not row["id"].startswith(GUARD_PREFIX)}

    def _fold(self, stored: Document | None) -> Folded:
        """To the end of the log, but for a parked stream; what was dropped on purpose stays out."""
        found = stored or {}
        return fold_stream(
            self._view,
            self._place,
            self._stores.history.documents(self._stream),
            self._stores.mapper,
            stream=self._stream,
            upto=found["version"] if "upto" in found else None,
            dropped=[note["version"] for note in found.get("dropped", ())],
        )

    def _write(self, stored: Document | None, items: dict[str, Document], folded: Folded) -> int:
        changes = _changes(items, folded.items)
        if not changes and _same(stored, folded.guard):
            return 0
        *first, last = [changes[start : start + _ITEMS] for start in range(0, len(changes), _ITEMS)] or [[]]
        guard = folded.guard and folded.guard | {name: stored[name] for name in _PARKING if stored and name in stored}
        etag = stored["_etag"] if stored else None
        for part in first:  # the guard first: a live worker must not apply again what items are here already
            etag = self._batch(guard or stored, etag, part)
        self._batch(guard, etag, last)
        return len(changes) + (not _same(stored, folded.guard))

    def _batch(self, guard: Document | None, etag: str | None, changes: Sequence[Operation]) -> str | None:
        operations = [*_guard_first(self._place.id, guard, etag), *changes]
        return self._stores.views.batch(self._place.partition, operations)[0]


def _guard_first(id_: str, guard: Document | None, etag: str | None) -> list[Operation]:
    if guard is None:
        return [("delete", (id_,), {"if_match_etag": etag})] if etag else []
    document = {name: value for name, value in guard.items() if not name.startswith("_")}
    return [("create", (document,)) if etag is None else ("replace", (id_, document), {"if_match_etag": etag})]


def _changes(stored: dict[str, Document], wanted: dict[str, Document]) -> list[Operation]:
    changes: list[Operation] = [("delete", (key,)) for key in stored.keys() - wanted.keys()]
    for key, item in wanted.items():
        if key not in stored:
            changes.append(("create", (item,)))
        elif not _same(stored[key], item):
            changes.append(("replace", (key, item)))
    return changes


def _same(stored: Document | None, wanted: Document | None) -> bool:
    return (stored and hash_of(stored)) == (wanted and hash_of(wanted))
