"""The functions of the query language, by name in upper case."""

from __future__ import annotations

from typing import Final

from localazure.cosmos.sql.functions import arrays, conversions, dates, maths, strings, types
from localazure.cosmos.sql.functions.function import Function

FUNCTIONS: Final[dict[str, Function]] = {
    **types.FUNCTIONS,
    **strings.FUNCTIONS,
    **conversions.FUNCTIONS,
    **maths.FUNCTIONS,
    **arrays.FUNCTIONS,
    **dates.FUNCTIONS,
}

_ABSENT: Final = {
    "ST_": "The spatial function",
    "VECTORDISTANCE": "The vector search function",
    "FULLTEXT": "The full-text search function",
    "RRF": "The hybrid search function",
}


def unsupported(name: str) -> str:
    """Why a function that is not in ``FUNCTIONS`` cannot be called."""
    family = next((text for prefix, text in _ABSENT.items() if name.startswith(prefix)), None)
    return f"{family or 'The function'} {name} is not supported"


__all__ = ["FUNCTIONS", "Function", "unsupported"]
