"""The state of an aggregate as facts: dotted names and plain values, for people to read and for comparison.

{"balance": 500, "held": 0, "available": 500, "holds.open.1.amount": 300, "limits.per_day": null, …}
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from audit.narration import Value
from domain.state import to_json


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that differs; a side where there is no such fact has None and is not in `present`."""

    name: str
    before: Value
    after: Value
    present: tuple[bool, bool]


def facts_of(aggregate: Any, figures: Mapping[str, int]) -> dict[str, Value]:
    """All facts: the declared state, and the figures that follow from it."""
    state = {each.name: to_json(getattr(aggregate, each.name)) for each in fields(aggregate)}
    return {**dict(_flat("", state)), **figures}


def differences(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[Difference]:
    """Field by field, in the order of names."""
    return [
        Difference(name, before.get(name), after.get(name), (name in before, name in after))
        for name in sorted(before.keys() | after.keys())
        if (name in before, before.get(name)) != (name in after, after.get(name))
    ]


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, item)
    else:
        yield prefix, value
