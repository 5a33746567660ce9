"""Finds the items that events take (`Change.take`) in the store, under the guard that they belong to.

They are read in one query with their guard. While that is the guard in memory, so are they: whoever changes an item
changes its guard in the same batch, and a batch made from what was read here holds that guard If-Match. A replica that
lags shows an older guard, and is not believed either.
"""

from collections.abc import Sequence
from typing import Any

from eventstore.log.mapper import Mapper
from projectors.container import Container, Document
from projectors.errors import Unanswered
from projectors.views.streams.checkpoint import StreamCheckpoint
from projectors.views.streams.view import NamedItem, StreamView

_NAMES_PER_QUERY = 100


class NamedItems:
    """The named items of one view of streams."""

    def __init__(self, view: StreamView, gateway: Container, mapper: Mapper[str]) -> None:
        self._view = view
        self._gateway = gateway
        self._mapper = mapper

    def look_up(self, guard: StreamCheckpoint, documents: Sequence[Document], position: int) -> bool:
        """Makes known what the event at this position takes; what those behind it take comes with the same request.

        False when others have changed the guard: memory then gave way to what is stored, and the events from this
        position on have to be looked at again.
        """
        known = guard.change.known
        if documents[position]["type"] not in self._view.taking or self._name(documents[position]) in known:
            return True
        following = (document for document in documents[position:] if document["type"] in self._view.taking)
        names = list(dict.fromkeys(name for name in map(self._name, following) if name not in known))
        if guard.etag is None:  # nothing is stored yet
            known.update(dict.fromkeys(names))
            return True
        return all(
            self._read(guard, names[start : start + _NAMES_PER_QUERY])
            for start in range(0, len(names), _NAMES_PER_QUERY)
        )

    def _read(self, guard: StreamCheckpoint, names: Sequence[Any]) -> bool:
        given = {f"name{number}": name for number, name in enumerate(names)}
        rows = self._gateway.query(
            f"SELECT * FROM c WHERE c.stream = @stream AND (c.id = @guard OR c.data.{self._view.named_by} IN "  # noqa: S608
            f"({', '.join(f'@{name}' for name in given)}))",
            guard.place.partition,
            stream=guard.stream,
            guard=guard.place.id,
            **given,
        )
        stored = next((row for row in rows if row["id"] == guard.place.id), None)
        if stored is None:
            raise Unanswered(f"{guard.place.partition}: the guard of {guard.stream} is there and not yet to be read")
        if stored["_etag"] != guard.etag:
            guard.load(stored)
            return False
        guard.change.known.update(dict.fromkeys(names))
        for row in rows:
            if row is not stored:
                guard.change.known[row["data"][self._view.named_by]] = NamedItem(row["id"], row["data"])
        return True

    def _name(self, document: Document) -> Any:
        try:
            return self._view.takes(self._mapper.event_of(document))
        except Exception:  # noqa: BLE001 - an event that cannot be read takes nothing; it fails when it is applied
            return None
