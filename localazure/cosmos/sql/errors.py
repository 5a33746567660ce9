"""What a query can be refused for.

    SqlError      the service answers HTTP 400, code BadRequest

The message names the construct and what to write instead; where the place in the text is known it ends
with ``(line 1, column 15)``.
"""

from __future__ import annotations


class SqlError(Exception):
    """A query that does not parse, asks for what is not supported, or fails on these items."""

    code = "BadRequest"

    def __init__(self, message: str, *, text: str | None = None, position: int | None = None) -> None:
        self.position = position
        self.message = message if text is None or position is None else f"{message} ({_place(text, position)})"
        super().__init__(self.message)


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return f"line {line}, column {column}"
