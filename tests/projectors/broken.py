"""Views that refuse an event for as long as somebody wants them to."""

from typing import Any

import pytest

from projectors.ledger import VIEWS
from projectors.views.streams.view import Change
from projectors.views.view import View


class Broken:
    """Makes every view refuse deposits of 13 while it is on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.on = True
        for name in ("statement", "ledger-totals"):
            view = type(VIEWS[name])
            apply = view.apply

            def wrapped(this: View, change: Any, event: Any, apply: Any = apply) -> None:
                if self.on and getattr(event, "amount", None) == 13:
                    if isinstance(change, Change):
                        change.state["balance"] = "spoilt"
                    raise ValueError("thirteen")
                apply(this, change, event)

            monkeypatch.setattr(view, "apply", wrapped)

    def turn(self) -> None:
        """On, or off again."""
        self.on = not self.on
