"""The functions of the query language, by name in upper case."""

from __future__ import annotations

from typing import Final

from devkit.cosmos.sql.functions import arrays, dates, maths, strings, types
from devkit.cosmos.sql.functions.function import Function

FUNCTIONS: Final[dict[str, Function]] = {
    **types.FUNCTIONS,
    **strings.FUNCTIONS,
    **maths.FUNCTIONS,
    **arrays.FUNCTIONS,
    **dates.FUNCTIONS,
}

_ABSENT: Final = {
    "ST_": "Spatial functions",
    "VECTORDISTANCE": "Vector search",
    "FULLTEXT": "Full-text search",
    "RRF": "Hybrid search",
}


def unsupported(name: str) -> str:
    """Why a function that is not in ``FUNCTIONS`` cannot be called."""
    family = next((text for prefix, text in _ABSENT.items() if name.startswith(prefix)), None)
    return f"{family} ({name}) is not supported" if family else f"'{name}' is not a function that is supported"


__all__ = ["FUNCTIONS", "Function", "unsupported"]
