"""How entries become rows of a page: newest first, and two events that belong together, such as a hold and its
end, as one row where both are on the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from audit.trail.entries import Entry

__all__ = ["Row", "rows_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """`entry` is what the row is about; `begun` the event that began what it ended, if that is on the same page."""

    entry: Entry
    begun: Entry | None = None

    @property
    def entries(self) -> list[Entry]:
        """In the order of versions."""
        return [self.begun, self.entry] if self.begun else [self.entry]

    @property
    def problems(self) -> list[str]:
        """What breaks the chain within the row."""
        return [f"version {entry.version}: {entry.problem}" for entry in self.entries if entry.problem]


def rows_of(entries: Sequence[Entry]) -> list[Row]:
    """The rows of a page, the newest first. Nothing is left out: every entry is in exactly one row."""
    begun = {entry.part[0]: entry for entry in entries if entry.part and entry.part[1]}
    ended = {entry.part[0] for entry in entries if entry.part and not entry.part[1] and entry.part[0] in begun}
    rows = []
    for entry in entries:
        if entry.part is None or not entry.part[1]:
            rows.append(Row(entry, begun.get(entry.part[0]) if entry.part else None))
        elif entry.part[0] not in ended:
            rows.append(Row(entry))
    return rows[::-1]
