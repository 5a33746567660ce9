"""Which names an expression can see, and where their values lie at run time.

A row is a tuple: one slot for every alias of FROM (an outer query's first), then one for every aggregate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from devkit.cosmos.sql.tree import Call


@dataclass(frozen=True, slots=True)
class Scope:
    """Aliases and aggregates -> slots of the row."""

    slots: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    aggregates: Mapping[Call, int] = field(default_factory=dict)

    def bind(self, alias: str | None) -> Scope:
        """The scope with one more slot at the end, named or not."""
        slots = self.slots if alias is None else {**self.slots, alias: self.size}
        return Scope(slots, self.size + 1)

    def aggregate(self, calls: tuple[Call, ...]) -> Scope:
        """The scope with a slot at the end for each aggregate."""
        return Scope(self.slots, self.size + len(calls), {call: self.size + i for i, call in enumerate(calls)})

    def correlated(self) -> Scope:
        """What a subquery sees: the aliases, but not the aggregates, which are its own."""
        return Scope(self.slots, self.size)
