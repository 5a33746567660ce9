"""Shorthand for tests: the answer of a query."""

from collections.abc import Iterable
from typing import Any

from localazure.cosmos.sql import UNDEFINED, Query

NOTHING: tuple[dict[str, Any], ...] = ({"id": "1"},)


def parameters(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": f"@{name}", "value": value} for name, value in values.items()]


def answers(text: str, items: Iterable[dict[str, Any]] = NOTHING, **values: Any) -> list[Any]:
    """The rows of a query over items."""
    return list(Query.parse(text, parameters(values)).evaluate(items))


def value(expression: str, item: dict[str, Any] | None = None, **values: Any) -> Any:
    """An expression over one item; UNDEFINED if it has no value."""
    rows = answers(f"SELECT VALUE {expression} FROM c", [item or {"id": "1"}], **values)
    return rows[0] if rows else UNDEFINED
