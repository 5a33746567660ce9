"""Which names an expression can see, and where their values lie at run time.

A row is a tuple: one slot for every alias of FROM (an outer query's first), then one for every aggregate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from localazure.cosmos.sql.tree import Call


@dataclass(frozen=True, slots=True)
class Scope:
    """Aliases and aggregates -> slots of the row; ``item`` is the slot of the container's item, if it has an alias."""

    slots: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    aggregates: Mapping[Call, int] = field(default_factory=dict)
    item: int | None = None

    def bind(self, alias: str | None) -> Scope:
        """The scope with one more slot at the end, named or not."""
        slots = self.slots if alias is None else {**self.slots, alias: self.size}
        return replace(self, slots=slots, size=self.size + 1, aggregates={})

    def bind_item(self, alias: str | None) -> Scope:
        """The scope with one more slot, which holds the container's item."""
        return replace(self.bind(alias), item=self.size)

    def aggregate(self, calls: tuple[Call, ...]) -> Scope:
        """The scope with a slot at the end for each aggregate."""
        places = {call: self.size + index for index, call in enumerate(calls)}
        return replace(self, size=self.size + len(calls), aggregates=places)

    def correlated(self) -> Scope:
        """What a subquery sees: the aliases, but not the aggregates, which are its own."""
        return replace(self, aggregates={})
