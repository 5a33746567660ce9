"""A service is checked when it is put together."""

import pytest

from domain import Aggregate, CreatedEvent, Model, Refused
from functions.service import Service
from projectors import Change, StreamView, on
from service import SERVICE


class Broken(Refused):
    code = "BROKEN"
    template = "it is broken"


class Cup(Aggregate):
    TOPIC = "seam-cup"

    class Made(CreatedEvent):
        TOPIC = "seam-cup.made"
        colour: str

    colour: str


class Cups(StreamView):
    name = "cups"
    category = "cup"
    indexed = ("state.colour",)

    @on(Cup.Made)
    def made(self, change: Change, event: Cup.Made) -> None:
        change.state["colour"] = event.colour


def test_a_refusal_without_a_status_is_said_at_the_start() -> None:
    for given in ({"model": Model(aggregates=(Cup,))}, {"views": [Cups()]}):
        with pytest.raises(ValueError, match=r"cups: no HTTP status for BROKEN \(.*Broken\): add a line to `refusals`"):
            Service("cups", **given)  # type: ignore[arg-type]
    assert Service("cups", views=[Cups()], refusals={"BROKEN": 409}).views.indexed == ("/state/colour/?",)


def test_two_views_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two views are called cups"):
        Service("cups", views=[Cups(), Cups()], refusals={"BROKEN": 409})


def test_the_ledger_is_whole() -> None:
    assert SERVICE.name == "ledger"
    assert {"transfer-status", "statement"} <= SERVICE.views.keys()
