"""How entries become rows of a page: newest first, and a hold with its end as one row where both are on the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.trail.entries import Entry

__all__ = ["Row", "rows_of"]

_PLACED = "account.hold-placed"


@dataclass(frozen=True, slots=True)
class Row:
    """`entry` is what the row is about; `placed` the hold that it ended, if that is on the same page."""

    entry: Entry
    placed: Entry | None = None

    @property
    def entries(self) -> list[Entry]:
        """In the order of versions."""
        return [self.placed, self.entry] if self.placed else [self.entry]

    @property
    def problems(self) -> list[str]:
        """What breaks the chain within the row."""
        return [f"version {entry.version}: {entry.problem}" for entry in self.entries if entry.problem]


def rows_of(entries: Sequence[Entry]) -> list[Row]:
    """The rows of a page, the newest first. Nothing is left out: every entry is in exactly one row."""
    placed = {entry.hold: entry for entry in entries if entry.type == _PLACED and entry.hold is not None}
    ended = {entry.hold for entry in entries if entry.type != _PLACED and entry.hold in placed}
    rows = []
    for entry in entries:
        if entry.type != _PLACED:
            rows.append(Row(entry, placed.get(entry.hold) if entry.hold is not None else None))
        elif entry.hold not in ended:
            rows.append(Row(entry))
    return rows[::-1]
