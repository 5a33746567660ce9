"""Query text -> tokens.

Words, numbers and strings follow the grammar that Microsoft publishes with its .NET SDK
(``Query/Core/Parser/sql.g4``); comments (``--`` to the end of the line, ``/* */``) are white space.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

from localazure.cosmos.sql.errors import SqlError
from localazure.cosmos.sql.values import UNDEFINED, number

# fmt: off
RESERVED: Final = frozenset((
    "AND", "ARRAY", "AS", "ASC", "BETWEEN", "BY", "DESC", "DISTINCT", "ESCAPE", "EXISTS", "FALSE",
    "FROM", "GROUP", "IN", "JOIN", "LEFT", "LIKE", "LIMIT", "NOT", "NULL", "OFFSET", "OR",
    "ORDER", "RIGHT", "SELECT", "TOP", "TRUE", "UDF", "UNDEFINED", "VALUE", "WHERE",
))
# fmt: on
"""Words that cannot be an alias or follow a dot; a property of that name is written ``c["value"]``."""

_TOKEN: Final = re.compile(
    r"""(?P<space>(?:[ \t\r\n\f\v\u00a0\ufeff]+|--[^\n]*|/\*.*?\*/)+)
      | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[^\W\d]\w*)
      | (?P<parameter>@\w+)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<symbol><<|>>>|>>|<=|>=|<>|!=|\|\||\?\?|/(?!\*)|[=<>+\-*%&|^~?:,.()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|.)", re.DOTALL)
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Token(NamedTuple):
    """One lexical unit.

    ``kind`` is word, number, string, parameter, symbol or end; ``text`` is upper case for words; ``value`` is the
    word as written, the number, or the string without quotes and escapes.
    """

    kind: str
    text: str
    value: Any
    position: int


def tokenize(text: str) -> list[Token]:
    """All tokens of a query, closed by one of kind ``end``.

    Raises SqlError for a character that starts no token, an unclosed string and an unclosed comment.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text, position)
        kind, piece = match.lastgroup or "", match.group()
        if kind != "space":
            tokens.append(_token(kind, piece, text, position))
        position = match.end()
    tokens.append(Token("end", "", None, len(text)))
    return tokens


def _token(kind: str, piece: str, text: str, position: int) -> Token:
    if kind == "word":
        return Token(kind, piece.upper(), piece, position)
    if kind == "string":
        return Token(kind, piece, _unescape(piece[1:-1], text, position), position)
    if kind == "number":
        end = position + len(piece)
        if end < len(text) and (text[end].isalnum() or text[end] == "_"):
            raise SqlError(f"The number '{piece}' runs into '{text[end]}'", text=text, position=position)
        return Token(kind, piece, _number(piece, text, position), position)
    return Token(kind, piece, piece, position)


def _number(piece: str, text: str, position: int) -> Any:
    try:
        value = number(int(piece) if piece.isdecimal() else float(piece))
    except OverflowError:
        value = UNDEFINED
    if value is UNDEFINED:
        raise SqlError(f"The number {piece} is beyond the range of a double", text=text, position=position)
    return value


def _unescape(body: str, text: str, position: int) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] == "u" and len(code) > 1:
            return str(json.loads(f'"\\{code}"'))
        if code in _ESCAPES:
            return _ESCAPES[code]
        if code in "\"'\\/":
            return code
        raise SqlError(
            f"Unknown escape '\\{code}' in a string; a backslash itself is written '\\\\'", text=text, position=position
        )

    return _ESCAPE.sub(replace, body) if "\\" in body else body


def _unreadable(text: str, position: int) -> SqlError:
    character = text[position]
    if character in "\"'":
        problem = f"A string that starts with {character} is not closed"
    elif text.startswith("/*", position):
        problem = "A comment that starts with /* is not closed"
    else:
        problem = f"Syntax error, unexpected character '{character}'"
    return SqlError(problem, text=text, position=position)
