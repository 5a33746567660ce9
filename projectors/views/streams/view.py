"""Views of one stream: which events, which items, and how those change."""

import hashlib
from typing import Any, ClassVar

from eventstore.log.documents import RecordedEvent
from projectors.errors import TooManyItems
from projectors.views.view import View

MAX_ITEMS_PER_EVENT = 50
"""Half of a transactional batch: pending changes are closed off at that number, so one more event always fits."""


def stable_bucket(text: str, buckets: int) -> str:
    """Which of so many partitions: the same for ever, in every process."""
    return str(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) % buckets)


class Change:
    """What one or more events of one stream do to a view.

    `state` is kept with the stream's guard and may be changed in place (JSON-native values). Items are written beside
    it: `create` what is new, `replace` and `delete` what is there. Only the net effect is stored.
    """

    __slots__ = ("document", "items", "state")

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.items: dict[str, tuple[str, dict[str, Any] | None]] = {}
        self.document: dict[str, Any] = {}
        """That of the event being applied, as it is stored."""

    @property
    def recorded(self) -> RecordedEvent:
        """The event being applied as it was recorded: stream, version, meta (recorded_at, actor, correlation, ...)."""
        return RecordedEvent.from_document(self.document)

    def create(self, key: str, data: dict[str, Any]) -> None:
        """A new item."""
        gone = key in self.items and self.items[key][0] == "delete"
        self.items[key] = ("replace" if gone else "create", self._item(data))

    def replace(self, key: str, data: dict[str, Any]) -> None:
        """An item that is there gets new contents."""
        fresh = key in self.items and self.items[key][0] == "create"
        self.items[key] = ("create" if fresh else "replace", self._item(data))

    def delete(self, key: str) -> None:
        """An item that is there goes away."""
        if key in self.items and self.items[key][0] == "create":
            del self.items[key]
        else:
            self.items[key] = ("delete", None)

    def _item(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"version": self.document["version"], "data": data}


class StreamView(View):
    """A view whose items each follow one stream.

    The stream's guard (version, state) and its items lie in one partition and change together. With `keyed_by_stream`
    False the partition is one of `buckets` shared ones, so that many small items go in one batch; with True each
    stream has its own, so that a page of its items is a single-partition query.
    """

    keyed_by_stream: ClassVar[bool] = False
    buckets: ClassVar[int] = 16
    """Never change it for a view that exists: rebuild under a new name instead."""

    def bucket(self, stream: str) -> str:
        """The partition of a stream, within the generation."""
        return self.key(stream) if self.keyed_by_stream else stable_bucket(stream, self.buckets)

    def apply(self, change: Change, event: Any) -> None:
        """Applies one event of a class that the view handles."""
        getattr(self, self._methods[type(event)])(change, event)
        if len(change.items) >= 2 * MAX_ITEMS_PER_EVENT:
            stream, version = change.document["streamId"], change.document["version"]
            raise TooManyItems(stream, version, len(change.items), MAX_ITEMS_PER_EVENT)
