"""Old generations are kept for a while, for an undo, and kept up to date meanwhile; then they go."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from projectors.database import Database
from replay.generations import drop_generation

KEEP_DAYS = 7.0
"""Unless an operator says otherwise."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A generation that is gone, and how many documents it had."""

    view: str
    generation: int
    documents: int


def prune(stores: Database, view: str, *, keep: timedelta, now: datetime) -> list[Removed]:
    """Removes generations older than the serving one that ceased to serve at least `keep` ago.

    A generation above the serving one was built to be switched to, or serves again after an undo: it stays. What an
    interrupted removal left behind goes as well.
    """
    begun = _begun(stores, view)
    known = stores.registry.of(view)
    old = {
        number
        for number, since in known.kept.items()
        if number < known.serving and now - datetime.fromisoformat(since) >= keep
    }
    left = {number for number in begun if number not in known.all and number <= known.last}
    return [Removed(view, number, drop_generation(stores, view, number)) for number in sorted(old | left)]


def _begun(stores: Database, view: str) -> set[int]:
    """The generations that have positions: the last thing that a removal takes away."""
    names = [name.rpartition("@") for name in stores.leases.consumers()]
    return {int(number) for name, _, number in names if name == view and number.isdecimal()}
