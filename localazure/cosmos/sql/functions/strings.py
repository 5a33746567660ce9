"""String functions, by Microsoft's reference pages for the query language (learn.microsoft.com/cosmos-db/query).

An argument of the wrong type makes a result undefined.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from localazure.cosmos.sql.errors import SqlError
from localazure.cosmos.sql.functions.function import Function, whole
from localazure.cosmos.sql.values import UNDEFINED

MAX_REPLICATED: Final = 10_000
"""Longest result of REPLICATE, in characters."""

_MODIFIERS: Final = {"m": re.MULTILINE, "s": re.DOTALL, "i": re.IGNORECASE, "x": re.VERBOSE}


def _strings(*values: Any) -> bool:
    return all(type(value) is str for value in values)


def _of_string(call: Callable[[str], Any]) -> Function:
    return Function(lambda text: call(text) if type(text) is str else UNDEFINED, 1, 1)


def _search(call: Callable[[str, str], bool]) -> Function:
    """CONTAINS and its kin: text, what to look for, and whether to ignore case."""

    def search(text: Any, part: Any, ignore_case: Any = False) -> Any:
        if not _strings(text, part) or type(ignore_case) is not bool:
            return UNDEFINED
        return call(text.lower(), part.lower()) if ignore_case else call(text, part)

    return Function(search, 2, 3)


def _trimming(call: Callable[[str, str | None], str]) -> Function:
    def trim(text: Any, characters: Any = None) -> Any:
        if type(text) is not str or type(characters) not in (str, type(None)):
            return UNDEFINED
        return call(text, characters)

    return Function(trim, 1, 2)


def _concat(*parts: Any) -> Any:
    return "".join(parts) if _strings(*parts) else UNDEFINED


def _index_of(text: Any, part: Any, start: Any = 0) -> Any:
    if not _strings(text, part) or not whole(start) or start < 0:
        return UNDEFINED
    return text.find(part, int(start))


def _left(text: Any, length: Any) -> Any:
    return text[: max(int(length), 0)] if _strings(text) and whole(length) else UNDEFINED


def _right(text: Any, length: Any) -> Any:
    if not _strings(text) or not whole(length):
        return UNDEFINED
    return text[max(len(text) - int(length), 0) :] if length > 0 else ""


def _substring(text: Any, start: Any, length: Any) -> Any:
    if not _strings(text) or not whole(start) or not whole(length):
        return UNDEFINED
    first = max(int(start), 0)
    return text[first : first + max(int(length), 0)]


def _replace(text: Any, find: Any, replacement: Any) -> Any:
    if not _strings(text, find, replacement):
        return UNDEFINED
    return text.replace(find, replacement) if find else text


def _replicate(text: Any, times: Any) -> Any:
    if not _strings(text) or not whole(times) or times < 0 or len(text) * times > MAX_REPLICATED:
        return UNDEFINED
    return text * int(times)


_NAMED_GROUP = re.compile(r"(?<!\\)\(\?<(?![=!])")
_POSIX_CLASS = re.compile(r"\[:\^?[a-z]+:\]")


@lru_cache(maxsize=256)
def _pattern(pattern: str, modifiers: str) -> re.Pattern[str] | None:
    """A pattern of the service's dialect (PCRE); what Python cannot do is refused, not taken for no match."""
    flags = 0
    for modifier in modifiers:
        if modifier not in _MODIFIERS:
            return None
        flags |= _MODIFIERS[modifier]
    if _POSIX_CLASS.search(pattern):
        raise SqlError(f"REGEXMATCH: character classes such as [:alpha:] are not supported: '{pattern}'")
    try:
        return re.compile(_NAMED_GROUP.sub("(?P<", pattern), flags)
    except re.error as error:
        raise SqlError(f"REGEXMATCH: the pattern '{pattern}' is not supported: {error}") from None


def _regex_match(text: Any, pattern: Any, modifiers: Any = "") -> Any:
    if not _strings(text, pattern, modifiers):
        return UNDEFINED
    compiled = _pattern(pattern, modifiers)
    return UNDEFINED if compiled is None else compiled.search(text) is not None


def _split(text: Any, separator: Any) -> Any:
    if not _strings(text, separator):
        return UNDEFINED
    return text.split(separator) if separator else [text]


def _join(parts: Any, separator: Any) -> Any:
    if type(parts) is not list or not _strings(separator, *parts):
        return UNDEFINED
    return str(separator.join(parts))


FUNCTIONS: Final[dict[str, Function]] = {
    "CONCAT": Function(_concat, 2, 20),
    "CONTAINS": _search(lambda text, part: part in text),
    "ENDSWITH": _search(str.endswith),
    "INDEX_OF": Function(_index_of, 2, 3),
    "LEFT": Function(_left, 2, 2),
    "LENGTH": _of_string(len),
    "LOWER": _of_string(str.lower),
    "LTRIM": _trimming(str.lstrip),
    "REGEXMATCH": Function(_regex_match, 2, 3),
    "REPLACE": Function(_replace, 3, 3),
    "REPLICATE": Function(_replicate, 2, 2),
    "REVERSE": _of_string(lambda text: text[::-1]),
    "RIGHT": Function(_right, 2, 2),
    "RTRIM": _trimming(str.rstrip),
    "STARTSWITH": _search(str.startswith),
    "STRINGEQUALS": _search(str.__eq__),
    "STRINGJOIN": Function(_join, 2, 2),
    "STRINGSPLIT": Function(_split, 2, 2),
    "SUBSTRING": Function(_substring, 3, 3),
    "TRIM": _trimming(str.strip),
    "UPPER": _of_string(str.upper),
}
