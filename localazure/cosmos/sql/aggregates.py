"""The aggregates: COUNT, COUNTIF, SUM, AVG, MIN and MAX.

Undefined values take no part. SUM and AVG over anything that is not a number are undefined, and so are MIN and MAX
over an array or an object; AVG, MIN and MAX of nothing are undefined too, while SUM of nothing is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from localazure.cosmos.sql.values import RANK, UNDEFINED, is_number, number, sort_key


class Aggregate(Protocol):
    """Takes the values of one group, one by one."""

    def add(self, value: Any) -> None:
        """Take one value, which may be ``UNDEFINED``."""

    def result(self) -> Any:
        """The aggregate of all values so far."""


class Count:
    """How many values are defined."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def add(self, value: Any) -> None:
        """Count a defined value."""
        if value is not UNDEFINED:
            self._count += 1

    def result(self) -> Any:
        """The count."""
        return self._count


class CountIf(Count):
    """How many values are true."""

    __slots__ = ()

    def add(self, value: Any) -> None:
        """Count ``true``."""
        if value is True:
            self._count += 1


class Sum:
    """The sum of numbers."""

    __slots__ = ("_count", "_sum")

    def __init__(self) -> None:
        self._sum: Any = 0
        self._count = 0

    def add(self, value: Any) -> None:
        """Add a number; any other defined value makes the sum undefined for good."""
        if value is UNDEFINED or self._sum is UNDEFINED:
            return
        self._sum = self._sum + value if is_number(value) else UNDEFINED
        self._count += 1

    def result(self) -> Any:
        """The sum; 0 of nothing."""
        return UNDEFINED if self._sum is UNDEFINED else number(self._sum)


class Average(Sum):
    """The mean of numbers."""

    __slots__ = ()

    def result(self) -> Any:
        """The mean; undefined of nothing."""
        if self._sum is UNDEFINED or not self._count:
            return UNDEFINED
        return number(self._sum / self._count)


class Maximum:
    """The last scalar in the order of types."""

    __slots__ = ("_key", "_value")

    def __init__(self) -> None:
        self._value: Any = UNDEFINED
        self._key: tuple[Any, ...] | None = None

    def add(self, value: Any) -> None:
        """Take a scalar; an array or an object makes the result undefined for good."""
        if value is UNDEFINED or type(self._value) in (list, dict):
            return
        key = sort_key(value)
        if self._key is None or RANK[type(value)] >= RANK[list] or self._wins(key, self._key):
            self._value, self._key = value, key

    def result(self) -> Any:
        """The winner; undefined of nothing."""
        return UNDEFINED if type(self._value) in (list, dict) else self._value

    def _wins(self, key: tuple[Any, ...], best: tuple[Any, ...]) -> bool:
        return key > best


class Minimum(Maximum):
    """The first scalar in the order of types."""

    __slots__ = ()

    def _wins(self, key: tuple[Any, ...], best: tuple[Any, ...]) -> bool:
        return key < best


AGGREGATES: Final[dict[str, Callable[[], Aggregate]]] = {
    "COUNT": Count,
    "COUNTIF": CountIf,
    "SUM": Sum,
    "AVG": Average,
    "MIN": Minimum,
    "MAX": Maximum,
}
