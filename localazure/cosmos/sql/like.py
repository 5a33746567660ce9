"""LIKE patterns -> regular expressions.

``%`` any text, ``_`` one character, ``[abc]``, ``[a-f]`` and ``[^abc]`` one of a set; the ESCAPE character takes the
meaning off the next one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from localazure.cosmos.sql.errors import SqlError


@lru_cache(maxsize=256)
def matcher(pattern: str, escape: str | None) -> Callable[[str], re.Match[str] | None]:
    """A function that matches whole texts with the pattern."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == escape and position < len(pattern):
            parts.append(re.escape(pattern[position]))
            position += 1
        elif character == "[" and "]" in pattern[position:]:
            end = pattern.index("]", position + 1 if pattern[position : position + 1] == "^" else position)
            parts.append(_set(pattern[position:end]))
            position = end + 1
        else:
            parts.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
    try:
        return re.compile("".join(parts), re.DOTALL).fullmatch
    except re.error as problem:
        raise SqlError(f"The LIKE pattern '{pattern}' is not valid: {problem}") from None


def _set(content: str) -> str:
    negated = content.startswith("^")
    body = content[negated:]
    if not body:
        return "." if negated else "(?!)"
    escaped = body.replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^").replace("&", "\\&").replace("~", "\\~")
    return f"[{'^' if negated else ''}{escaped}]"
