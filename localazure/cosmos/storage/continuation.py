"""Continuation tokens of queries: positions in the key space, so that a split cannot make them wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where the next page starts: after one item, or behind a row of a sorted result."""

    epk: str = ""
    """Effective partition key of the last item that was looked at."""
    after: Any = -1
    """Number of that item, or its id when the page followed the id index; -1: start at `epk` itself."""
    row: int = 0
    """How many rows of the next item were already delivered (an item gives several with JOIN)."""
    delivered: int = 0
    """How many rows of a sorted or grouped result were delivered."""
    anchor: tuple[Any, ...] = ()
    """Resource id and sort values of the last row of a sorted result."""

    def encode(self) -> str:
        """The header's text."""
        fields: dict[str, Any] = {"v": _VERSION, "epk": self.epk, "after": self.after}
        if self.row:
            fields["row"] = self.row
        if self.delivered:
            fields |= {"delivered": self.delivered, "anchor": list(self.anchor)}
        text = orjson.dumps(fields).decode()
        return text if text.isascii() else text.encode("ascii", "backslashreplace").decode()

    @staticmethod
    def decode(text: str) -> Continuation:
        """Read a token; one of another origin starts the query anew, as the service does."""
        try:
            fields = orjson.loads(text) if text else {}
        except orjson.JSONDecodeError:
            return Continuation()
        if not isinstance(fields, dict) or fields.get("v") != _VERSION:
            return Continuation()
        return Continuation(
            fields["epk"],
            fields["after"],
            fields.get("row", 0),
            fields.get("delivered", 0),
            tuple(fields.get("anchor", ())),
        )
