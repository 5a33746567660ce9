"""JSON values plus ``undefined``, and how the query language compares and sorts them.

Numbers are IEEE 754 doubles. Whole numbers stay Python integers (they print without a fraction), so whatever
leaves the range in which doubles are exact goes through ``float`` before it is compared.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final, final


@final
class Undefined:
    """The value of an absent property; there is one, ``UNDEFINED``, and JSON cannot carry it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNDEFINED"

    def __reduce__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()

Number = int | float
RANK: Final[dict[type, int]] = {Undefined: 0, type(None): 1, bool: 2, int: 3, float: 3, str: 4, list: 5, dict: 6}
"""Type order of ORDER BY: undefined, null, boolean, number, string, array, object."""

EXACT: Final = 2**53
_NUMBER: Final = RANK[int]
_STRING: Final = RANK[str]
_ARRAY: Final = RANK[list]


def is_number(value: Any) -> bool:
    """Whether the value is a JSON number; Python's booleans are integers, JSON's are not."""
    kind = type(value)
    return kind is int or kind is float


def number(value: float) -> Any:
    """The result of arithmetic as a JSON number; ``UNDEFINED`` for what JSON cannot carry (NaN, infinities)."""
    if type(value) is int:
        return value if -EXACT <= value <= EXACT else number(float(value))
    if not math.isfinite(value):
        return UNDEFINED
    return int(value) if value.is_integer() and -EXACT <= value <= EXACT else value


def double(value: Number) -> Number:
    """The number as doubles know it: integers beyond 2**53 lose their last digits."""
    return value if type(value) is float or -EXACT <= value <= EXACT else float(value)


def equal(left: Any, right: Any) -> bool:
    """Deep equality of two defined values; values of different types are not equal."""
    rank = RANK[type(left)]
    if rank != RANK[type(right)]:
        return False
    if rank == _NUMBER:
        return double(left) == double(right)
    if rank <= _STRING:
        return bool(left == right)
    return bool(sort_key(left) == sort_key(right))


def ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    """Turn ``operator.lt`` and its kin into the comparison of the query language.

    Only two values of one scalar type have an order; anything else gives ``UNDEFINED``.
    """

    def ordered(left: Any, right: Any) -> Any:
        rank = RANK[type(left)]
        if rank != RANK[type(right)] or not 0 < rank < _ARRAY:
            return UNDEFINED
        if rank == _NUMBER:
            return compare(double(left), double(right))
        return compare(0, 0) if left is None else compare(left, right)

    return ordered


less = ordering(operator.lt)


def sort_key(value: Any) -> tuple[Any, ...]:
    """A key that is hashable, equal for equal values, and sorts as ORDER BY does."""
    rank = RANK[type(value)]
    if rank == _STRING:
        return (_STRING, value)
    if rank == _NUMBER:
        return (_NUMBER, double(value))
    if rank < _NUMBER:
        return (rank, value is True)
    if rank == _ARRAY:
        return (_ARRAY, tuple(map(sort_key, value)))
    return (rank, tuple(sorted((name, sort_key(member)) for name, member in value.items())))
