"""What other dialects of SQL have and this one lacks, by the words that begin it.

A query that uses one of these is refused with the construct's name, not with the word at which the grammar stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from localazure.cosmos.sql.tokens import Token

_TWICE = "send two queries"
_JOIN = "JOIN alias IN path iterates an array of the same item"
_TERNARY = "write test ? then : otherwise"
_START = "a query begins with SELECT"

_NAMED: Final = {
    "ON": ("JOIN … ON", _JOIN),
    "USING": ("JOIN … USING", _JOIN),
    "WHEN": ("CASE … WHEN", _TERNARY),
    "IS NULL": ("IS NULL", "write IS_NULL(…)"),
    "IS NOT NULL": ("IS NOT NULL", "write NOT IS_NULL(…)"),
    "LIMIT": ("LIMIT without OFFSET", "write OFFSET 0 LIMIT …"),
    "FETCH": ("FETCH", "write OFFSET … LIMIT …"),
    "ROWS": ("OFFSET … ROWS", "write OFFSET … LIMIT …"),
    "HAVING": ("HAVING", "group in a subquery in FROM and put the condition into WHERE"),
    "OVER": ("A window function (OVER …)", ""),
    "NULLS": ("NULLS FIRST or LAST", ""),
    "SETS": ("GROUPING SETS", ""),
    "FOR": ("FOR …", ""),
    **{word: (word, _TWICE) for word in ("UNION", "UNION ALL", "EXCEPT", "INTERSECT", "MINUS")},
    **{
        f"{kind} JOIN": (f"{kind} JOIN", _JOIN)
        for kind in ("INNER", "CROSS", "NATURAL", "LEFT", "LEFT OUTER", "RIGHT", "RIGHT OUTER", "FULL", "FULL OUTER")
    },
    **{word: (word, _JOIN) for word in ("CROSS APPLY", "OUTER APPLY")},
    **{word: (word, "write LIKE or REGEXMATCH(…)") for word in ("ILIKE", "RLIKE", "REGEXP", "SIMILAR TO")},
    **{word: (word, _START) for word in ("WITH", "INSERT", "UPDATE", "DELETE", "MERGE")},
    **{word: (word, "") for word in ("XOR", "COLLATE", "INTO", "WINDOW", "QUALIFY", "PIVOT", "UNPIVOT")},
}
"""The words that begin a construct -> its name, and what to write instead where there is something."""

_LONGEST: Final = max(len(beginning.split()) for beginning in _NAMED)


_QUANTIFIERS: Final = ("ALL", "ANY", "SOME", "FIRST", "LAST")
_CALLS: Final = ("CAST", "TRY_CAST", "CONVERT", "EXTRACT", "ROLLUP", "CUBE")
_PREFIXES: Final = {"CASE": _TERNARY, "ALL": "leave it out"}
_AFTER_NAME: Final = frozenset(
    [
        "AND",
        "AS",
        "ASC",
        "BETWEEN",
        "DESC",
        "FROM",
        "GROUP",
        "IN",
        "JOIN",
        "LIKE",
        "NOT",
        "OFFSET",
        "OR",
        "ORDER",
        "WHERE",
    ],
)
"""Keywords that may follow an alias; before any other word or a value, CASE and ALL are no aliases."""


def _refusal(construct: str, instead: str = "") -> str:
    return f"{construct} is not supported" + (f"; {instead}" if instead else "")


IN_SUBQUERY: Final = _refusal("IN (SELECT …)", "write ARRAY_CONTAINS(ARRAY(SELECT VALUE …), …)")


def absent(tokens: Sequence[Token], index: int) -> str | None:
    """The refusal of the construct that begins with the token at an index; None where none does."""
    words = [token.text if token.kind == "word" else "" for token in tokens[index : index + _LONGEST]]
    for length in range(len(words), 0, -1):
        if named := _NAMED.get(" ".join(words[:length])):
            return _refusal(*named)
    return None


def absent_prefix(token: Token, following: Token) -> str | None:
    """The refusal of CASE or ALL before an operand; None for every other word, and where it is an alias."""
    is_operand = following.kind in ("number", "string", "parameter", "word") and following.text not in _AFTER_NAME
    return _refusal(token.text, _PREFIXES[token.text]) if is_operand and token.text in _PREFIXES else None


def absent_call(name: str) -> str | None:
    """The refusal of what looks like a call, and is none here."""
    if name in _QUANTIFIERS:
        return _refusal(f"{name}(SELECT …)")
    return _refusal(f"{name}(…)") if name in _CALLS else None


def absent_argument(name: str, argument: str) -> str:
    """The refusal of ``COUNT(*)`` and ``COUNT(DISTINCT …)``, and of the like of other functions."""
    instead = f"write {name}(1)" if argument == "*" else "SELECT DISTINCT in a subquery in FROM, and aggregate that"
    return _refusal(f"{name}({argument})", instead)
