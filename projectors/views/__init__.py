"""The views that there are. A new one is a class in a file of its own and one line here."""

from projectors.errors import UnknownView
from projectors.view import StreamView
from projectors.views.account_summary import AccountSummary
from projectors.views.statement import Statement

VIEWS: dict[str, StreamView] = {view.name: view for view in (AccountSummary(), Statement())}


def view_named(name: str) -> StreamView:
    """The view of this name; raises UnknownView with the names that there are."""
    try:
        return VIEWS[name]
    except KeyError:
        raise UnknownView(name, list(VIEWS)) from None
