"""Catalog of views: those that one installation keeps, by name."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from projectors.errors import UnknownView
from projectors.views.streams.view import StreamView
from projectors.views.sums.view import SumView
from projectors.views.view import View

V = TypeVar("V", bound=View)


class Views(Mapping[str, View]):
    """An immutable mapping from names to views. A new view is a class in a file of its own and one line in a catalog.

    Raises:
        TypeError: a view is of no kind that the processor knows.
        ValueError: two views have one name: they would write over each other.
    """

    def __init__(self, *views: View) -> None:
        self._by_name: dict[str, View] = {}
        for view in views:
            if not isinstance(view, StreamView | SumView):
                raise TypeError(f"{view.name} is neither a StreamView nor a SumView")
            if view.name in self._by_name:
                raise ValueError(f"two views are called {view.name}: give one of them another name")
            self._by_name[view.name] = view

    def __getitem__(self, name: str) -> View:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def indexed(self) -> tuple[str, ...]:
        """The paths that the container of the views indexes for them: `/data/due/?`."""
        fields = dict.fromkeys(field for view in self.values() for field in view.indexed)
        return tuple(f"/{field.replace('.', '/')}/?" for field in fields)

    def named(self, name: str) -> View:
        """The view of this name; raises UnknownView with the names that there are."""
        return self._of_kind(name, View)

    def stream_view(self, name: str) -> StreamView:
        """The view of one stream of this name; raises UnknownView."""
        return self._of_kind(name, StreamView)

    def sum_view(self, name: str) -> SumView:
        """The view over many streams of this name; raises UnknownView."""
        return self._of_kind(name, SumView)

    def _of_kind(self, name: str, kind: type[V]) -> V:
        view = self._by_name.get(name)
        if isinstance(view, kind):
            return view
        raise UnknownView(name, [known for known, view in self._by_name.items() if isinstance(view, kind)])
