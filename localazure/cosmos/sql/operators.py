"""What the operators do to values.

Equality follows Microsoft's own reference evaluator (the .NET SDK's ``OfflineEngine/ScalarExpressionEvaluator.cs``):
two defined values of different types are unequal, so ``c.closedAt != null`` holds for a date. Order comparisons
across types, and anything with an undefined operand, are undefined. Bitwise operators work on 32 bits as in
JavaScript, and a result that JSON cannot carry (``1 / 0``) is undefined.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from localazure.cosmos.sql.values import UNDEFINED, Number, equal, is_number, number, ordering

Operator = Callable[[Any, Any], Any]


def _equals(left: Any, right: Any) -> Any:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    return equal(left, right)


def _differs(left: Any, right: Any) -> Any:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    return not equal(left, right)


def _concatenate(left: Any, right: Any) -> Any:
    return left + right if type(left) is str and type(right) is str else UNDEFINED


def arithmetic(operation: Callable[[Any, Any], Number]) -> Operator:
    """Make a function of two numbers an operator: other operands and impossible results are ``UNDEFINED``."""

    def apply(left: Any, right: Any) -> Any:
        if not (is_number(left) and is_number(right)):
            return UNDEFINED
        try:
            return number(operation(left, right))
        except (ArithmeticError, ValueError):
            return UNDEFINED

    return apply


def _remainder(left: Number, right: Number) -> Number:
    return math.fmod(left, right)


def int32(value: Number) -> int:
    """A number as JavaScript's bitwise operators see it: truncated, then the low 32 bits with their sign."""
    low = int(value) & 0xFFFFFFFF
    return low - 0x100000000 if low & 0x80000000 else low


def _bitwise(operation: Callable[[int, int], int]) -> Operator:
    return arithmetic(lambda left, right: int32(operation(int32(left), int32(right))))


BINARY: Final[dict[str, Operator]] = {
    "=": _equals,
    "!=": _differs,
    "<": ordering(operator.lt),
    "<=": ordering(operator.le),
    ">": ordering(operator.gt),
    ">=": ordering(operator.ge),
    "+": arithmetic(operator.add),
    "-": arithmetic(operator.sub),
    "*": arithmetic(operator.mul),
    "/": arithmetic(operator.truediv),
    "%": arithmetic(_remainder),
    "&": _bitwise(operator.and_),
    "|": _bitwise(operator.or_),
    "^": _bitwise(operator.xor),
    "<<": _bitwise(lambda left, right: left << (right & 31)),
    ">>": _bitwise(lambda left, right: left >> (right & 31)),
    ">>>": arithmetic(lambda left, right: (int32(left) & 0xFFFFFFFF) >> (int32(right) & 31)),
    "||": _concatenate,
}
"""Every binary operator but ``??``, AND and OR, which need not look at both operands."""

COMPARISONS: Final[dict[str, Operator]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _not(operand: Any) -> Any:
    return not operand if type(operand) is bool else UNDEFINED


UNARY: Final[dict[str, Callable[[Any], Any]]] = {
    "NOT": _not,
    "-": lambda operand: number(-operand) if is_number(operand) else UNDEFINED,
    "+": lambda operand: operand if is_number(operand) else UNDEFINED,
    "~": lambda operand: ~int32(operand) if is_number(operand) else UNDEFINED,
}


def member(base: Any, key: Any) -> Any:
    """``base[key]``: a member of an object, an element of an array, else ``UNDEFINED``."""
    if type(base) is dict:
        return base.get(key, UNDEFINED) if type(key) is str else UNDEFINED
    if type(base) is list and is_number(key) and 0 <= key < len(base) and int(key) == key:
        return base[int(key)]
    return UNDEFINED
