"""Closures for what queries do most: reach a property, compare it with a constant.

Each does what the general closure would, with the questions about the constant asked once, at compile time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from localazure.cosmos.sql.operators import COMPARISONS, member
from localazure.cosmos.sql.values import EXACT, UNDEFINED, is_number, sort_key

Evaluate = Callable[[tuple[Any, ...]], Any]


def constant_member(base: Evaluate, key: Any, slot: int | None) -> Evaluate:
    """``base[key]`` for a literal key; ``slot`` where the base is an alias itself."""
    if type(key) is not str:
        return lambda row: member(base(row), key)
    if slot is not None:

        def of_alias(row: tuple[Any, ...]) -> Any:
            value = row[slot]
            return value.get(key, UNDEFINED) if type(value) is dict else UNDEFINED

        return of_alias

    def of_value(row: tuple[Any, ...]) -> Any:
        value = base(row)
        return value.get(key, UNDEFINED) if type(value) is dict else UNDEFINED

    return of_value


def compare_constant(symbol: str, left: Evaluate, constant: Any) -> Evaluate | None:
    """A comparison of ``left`` with a string or with a number that a double holds exactly, else None."""
    if symbol not in ("=", "!=") and symbol not in COMPARISONS:
        return None
    if type(constant) is str:
        return _compare_string(symbol, left, constant)
    if is_number(constant) and -EXACT < constant < EXACT:
        return _compare_number(symbol, left, constant)
    return None


def among_constants(needle: Evaluate, constants: Iterable[Any], negated: bool) -> Evaluate:
    """``needle [NOT] IN (…)`` with constants alone: one look-up however many there are."""
    wanted = frozenset(sort_key(constant) for constant in constants if constant is not UNDEFINED)

    def among(row: tuple[Any, ...]) -> Any:
        value = needle(row)
        return UNDEFINED if value is UNDEFINED else (sort_key(value) in wanted) is not negated

    return among


def _compare_string(symbol: str, left: Evaluate, constant: str) -> Evaluate:
    if symbol == "=":
        return lambda row: UNDEFINED if (value := left(row)) is UNDEFINED else value == constant
    if symbol == "!=":
        return lambda row: UNDEFINED if (value := left(row)) is UNDEFINED else value != constant
    compare = COMPARISONS[symbol]
    return lambda row: compare(value, constant) if type(value := left(row)) is str else UNDEFINED


def _compare_number(symbol: str, left: Evaluate, constant: float) -> Evaluate:
    if symbol in ("=", "!="):
        wanted = symbol == "="

        def equals(row: tuple[Any, ...]) -> Any:
            value = left(row)
            if value is UNDEFINED:
                return UNDEFINED
            return (type(value) is not bool and value == constant) is wanted

        return equals
    compare = COMPARISONS[symbol]

    def orders(row: tuple[Any, ...]) -> Any:
        value = left(row)
        kind = type(value)
        return compare(value, constant) if kind is int or kind is float else UNDEFINED

    return orders
