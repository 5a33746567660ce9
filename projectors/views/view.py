"""What a view is: which streams, which events, where its items lie, and how they change.

    class Balances(StreamView):
        name = "balances"
        category = "account"

        @on(Account.Opened)
        def opened(self, change: Change, event: Account.Opened) -> None:
            change.state.update(asset=event.asset, balance=0)

Everything about exactly-once, batches, parking and generations is the projector's business, not the view's. A view is
a function of the log alone: no clock, no store, no randomness, or a rebuild would not give the same again.

A view has a place for every event that its domain can accept, and goes on without any that an operator left out: the
end of something that it never saw ends nothing. What grows with the stream belongs into items, never into `state`,
which is written anew with every event.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from eventstore.log.mapper import event_class_of

_HANDLES = "_handles"
_PASSED_OVER: set[str] = set()
"""Types that have a class and that some view does not handle."""
V = TypeVar("V")
E = TypeVar("E")
C = TypeVar("C")


def on(*events: type[Any]) -> Callable[[Callable[[V, C, E], None]], Callable[[V, C, E], None]]:
    """Marks a view's method as what the given event classes do to it."""

    def mark(method: Callable[[V, C, E], None]) -> Callable[[V, C, E], None]:
        setattr(method, _HANDLES, events)
        return method

    return mark


def digest(*texts: str) -> str:
    """Few characters for many: the same for ever, in every process."""
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=4).hexdigest()


class View:
    """What both kinds of view share."""

    name: ClassVar[str]
    """As operators and the API know it."""
    category: ClassVar[str]
    """Streams `<category>-…` are read."""
    indexed: ClassVar[tuple[str, ...]] = ()
    """Fields of items (`data.due`) and of states (`state.status`) that queries filter and sort by.

    Each is paid for at every write of its document.
    """
    version: ClassVar[int] = 1
    """Raise it when the view makes something else of the same events: what is stored then is other code's."""
    _methods: ClassVar[dict[type[Any], str]]
    types: ClassVar[frozenset[str]]
    """The registered names of the events that change it."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._methods = {event: name for name, event in _handled(cls)}
        cls.types = frozenset(event.TOPIC for event in cls._methods)

    @property
    def events(self) -> Collection[type[Any]]:
        """The classes of the events that change it."""
        return self._methods.keys()

    def reads(self, stream: str) -> bool:
        return stream.startswith(f"{self.category}-")

    @property
    def shape(self) -> str:
        """What of the code decides what is stored, as far as it can be told: its version and what it handles."""
        return f"{self.version}-{digest(self.category, *sorted(self.types))}"

    def concerns(self, document: Mapping[str, Any]) -> bool:
        """Whether the event changes the view. One whose type a program does not know may, so it is not passed over.

        Raises:
            UnknownEventType: no class is registered for its type.
        """
        type_name = document["type"]
        if type_name in self.types:
            return True
        if type_name not in _PASSED_OVER:
            event_class_of(type_name, document["streamId"], document["version"])
            _PASSED_OVER.add(type_name)
        return False

    def key(self, stream: str) -> str:
        """What people call the stream: its name without the category."""
        return stream[len(self.category) + 1 :]


def _handled(cls: type[Any]) -> Iterator[tuple[str, type[Any]]]:
    for name in dir(cls):
        for event in getattr(getattr(cls, name, None), _HANDLES, ()):
            yield name, event
