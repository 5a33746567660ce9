"""The stored contents of a generation, whichever kind of view it is of."""

from projectors.database import Database
from projectors.views.streams.view import StreamView
from projectors.views.sums.view import SumView
from projectors.views.view import View
from replay.contents.streams import StreamContents
from replay.contents.sums import SumContents


def stored_contents(stores: Database, view: View, generation: int) -> StreamContents | SumContents:
    """What lies in the store, and what a plain fold of the log says about it."""
    if isinstance(view, StreamView):
        return StreamContents(stores, view, generation)
    if isinstance(view, SumView):
        return SumContents(stores, view, generation)
    raise TypeError(f"{view.name} is neither a StreamView nor a SumView")
