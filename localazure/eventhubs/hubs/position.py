"""Where a consumer starts: the selector that azure-eventhub puts into the source's filter set.

    amqp.annotation.x-opt-{offset | sequence-number | enqueued-time} {> | >=} 'V'

V is digits (enqueued-time: milliseconds since 1970), or for an offset also -1 (the start) and @latest (only what comes
after the attach). No filter means the start.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from localazure.amqp.decode import Described
from localazure.eventhubs.errors import BadRequest

Kind = Literal["start", "latest", "offset", "sequence-number", "enqueued-time"]

_FILTER = "apache.org:selector-filter:string"
_SELECTOR = re.compile(
    r"\s*amqp\.annotation\.x-opt-(?P<kind>offset|sequence-number|enqueued-time)\s*(?P<operator>>=|>)\s*"
    r"'?(?P<value>-?\d+|@latest)'?\s*"
)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a partition; `inclusive` starts with the event at `value` itself."""

    kind: Kind
    value: int = -1
    inclusive: bool = False


START = Position("start")
LATEST = Position("latest")


def position_of(source: list[object]) -> Position:
    """The position in a source's fields (the filter set is the eighth). Raises BadRequest."""
    filters = source[7] if len(source) > 7 else None
    if not isinstance(filters, dict):
        return START
    chosen = filters.get(_FILTER)
    selector = chosen.value if isinstance(chosen, Described) else chosen
    if selector is None:
        return START
    text = selector.decode("utf-8", "replace") if isinstance(selector, bytes) else str(selector)
    match = _SELECTOR.fullmatch(text)
    if match is None:
        raise BadRequest(
            f"cannot read the filter {text!r}; expected amqp.annotation.x-opt-offset, x-opt-sequence-number or "
            "x-opt-enqueued-time, > or >=, and a quoted value"
        )
    kind, value = cast(Kind, match["kind"]), match["value"]
    if value == "@latest":
        return LATEST
    if kind == "offset" and value == "-1":
        return START
    return Position(kind, int(value), match["operator"] == ">=")
