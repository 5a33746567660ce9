"""Output of the command line: JSON lines, and failures with their exit codes."""

import sys
from typing import Any

import orjson


def json_line(kind: str, facts: dict[str, Any]) -> str:
    """One JSON object per line."""
    return orjson.dumps({"event": kind, **facts}, default=str).decode()


def fail(message: str) -> None:
    """One line on standard error."""
    print(message, file=sys.stderr)  # noqa: T201 - this is the console
