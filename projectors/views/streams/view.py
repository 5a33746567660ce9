"""Views of one stream: which events, which items, and how those change."""

import hashlib
from typing import Any, ClassVar, NamedTuple

from eventstore.errors import NameInvalid
from eventstore.log.documents import RecordedEvent
from eventstore.log.limits import check_id
from projectors.errors import Rejected, TooManyItems
from projectors.generations.generation import stored_name
from projectors.views.view import View

MAX_ITEMS_PER_EVENT = 50
"""Items that one event may change. A batch holds 100 operations, and is sent once 50 changes wait: then whatever the
next event changes still fits beside them."""


UNLISTED = "{"
"""Keys of items that no page shows begin with it: it sorts behind all letters and digits."""


def stable_bucket(text: str, buckets: int) -> str:
    """Which of so many partitions: the same for ever, in every process."""
    return str(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) % buckets)


class NamedItem(NamedTuple):
    """An item that can be found by its name."""

    key: str
    data: dict[str, Any]


class Change:
    """What one or more events of one stream do to a view.

    `state` is kept with the stream's guard and may be changed in place (JSON-native values). Items are written beside
    it: `create` what is new, `replace` and `delete` what is there. Only the net effect is stored.

    What can be seen to be a mistake raises at once: Rejected for an item that is there already, or no longer;
    NameInvalid for a key that no item can have.
    """

    __slots__ = ("document", "items", "known", "state")

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.items: dict[str, tuple[str, dict[str, Any] | None]] = {}
        self.known: dict[Any, NamedItem | None] = {}
        """Named items as they are after all changes so far, those that were looked up or changed; None: not there."""
        self.document: dict[str, Any] = {}
        """That of the event being applied, as it is stored."""

    @property
    def recorded(self) -> RecordedEvent:
        """The event being applied as it was recorded: stream, version, meta (recorded_at, actor, correlation, ...)."""
        return RecordedEvent.from_document(self.document)

    def create(self, key: str, data: dict[str, Any], *, name: Any = None) -> None:
        """A new item. With a `name`, which its field `StreamView.named_by` holds, a later event can take it."""
        pending = self._pending(key)
        if pending in ("create", "replace"):
            raise Rejected(f"the view creates the item {key!r}, which is there already")
        self.items[key] = ("replace" if pending == "delete" else "create", self._item(data))
        if name is not None:
            self.known[name] = NamedItem(key, data)

    def replace(self, key: str, data: dict[str, Any]) -> None:
        """An item that is there gets new contents."""
        pending = self._pending(key)
        if pending == "delete":
            raise Rejected(f"the view replaces the item {key!r}, which is not there")
        self.items[key] = (pending or "replace", self._item(data))

    def delete(self, key: str) -> None:
        """An item that is there goes away."""
        pending = self._pending(key)
        if pending == "delete":
            raise Rejected(f"the view deletes the item {key!r}, which is not there")
        if pending == "create":
            del self.items[key]
        else:
            self.items[key] = ("delete", None)

    def unnamed(self, name: Any) -> None:
        """There is no item of this name, so nobody has to look for one."""
        self.known[name] = None

    def take(self, name: Any) -> dict[str, Any] | None:
        """The data of the item of this name, which goes away. None when there is none: its event was left out.

        Only for names that `StreamView.takes` tells of the event: those were looked up before it is applied.
        """
        found = self.known[name]
        if found is None:
            return None
        self.delete(found.key)
        self.known[name] = None
        return found.data

    def _pending(self, key: str) -> str | None:
        """What is to be done to the item, as far as it is known here."""
        if not isinstance(key, str) or key >= "~":  # where guards begin
            raise NameInvalid("item", repr(key), "is no key", "keys are texts that begin with a letter or a digit")
        check_id(key, what="item")
        return self.items[key][0] if key in self.items else None

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
    named_by: ClassVar[str] = ""
    """The field of items' data by which `Change.take` finds them; it is indexed."""
    taking: ClassVar[frozenset[str]] = frozenset()
    """The registered names of the events that take items."""

    def takes(self, event: Any) -> Any:
        """The name of the item that an event of `taking` takes."""
        # Only a view that lists events in `taking` is asked, and it says here which item: others have none to name.
        raise NotImplementedError(f"{self.name} takes no items: {type(event).__name__}")

    @property
    def shape(self) -> str:
        return f"{super().shape}-{'streams' if self.keyed_by_stream else self.buckets}"

    def bucket(self, stream: str) -> str:
        """The partition of a stream, within the generation."""
        return stored_name(self.key(stream)) if self.keyed_by_stream else stable_bucket(stream, self.buckets)

    def apply(self, change: Change, event: Any) -> None:
        """Applies one event of a class that the view handles."""
        getattr(self, self._methods[type(event)])(change, event)
        if len(change.items) >= 2 * MAX_ITEMS_PER_EVENT:
            stream, version = change.document["streamId"], change.document["version"]
            raise TooManyItems(stream, version, len(change.items), MAX_ITEMS_PER_EVENT)
