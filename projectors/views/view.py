"""What a view is: which streams, which events, where its items lie, and how they change.

    class Balances(StreamView):
        name = "balances"
        category = "account"

        @on(Account.Opened)
        def opened(self, change: Change, event: Account.Opened) -> None:
            change.state.update(asset=event.asset, balance=0)

Everything about exactly-once, batches, parking and generations is the projector's business, not the view's. A view is
a function of the log alone: no clock, no store, no randomness, or a rebuild would not give the same again.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

_HANDLES = "_handles"
V = TypeVar("V")
E = TypeVar("E")
C = TypeVar("C")


def on(*events: type[Any]) -> Callable[[Callable[[V, C, E], None]], Callable[[V, C, E], None]]:
    """Marks a view's method as what the given event classes do to it."""

    def mark(method: Callable[[V, C, E], None]) -> Callable[[V, C, E], None]:
        setattr(method, _HANDLES, events)
        return method

    return mark


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
    _methods: ClassVar[dict[type[Any], str]]
    types: ClassVar[frozenset[str]]
    """The registered names of the events that change it."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._methods = {event: name for name, event in _handled(cls)}
        cls.types = frozenset(event.TOPIC for event in cls._methods)

    def reads(self, stream: str) -> bool:
        return stream.startswith(f"{self.category}-")

    def key(self, stream: str) -> str:
        """What people call the stream: its name without the category."""
        return stream[len(self.category) + 1 :]


def _handled(cls: type[Any]) -> Iterator[tuple[str, type[Any]]]:
    for name in dir(cls):
        for event in getattr(getattr(cls, name, None), _HANDLES, ()):
            yield name, event
