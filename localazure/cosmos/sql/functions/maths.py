"""Mathematical functions. Anything but numbers, and a result JSON cannot carry, makes them undefined.

The INT… functions take whole numbers only and work on 64 bits, wrapping around.
"""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable
from typing import Any, Final

from localazure.cosmos.sql.functions.function import Function, whole
from localazure.cosmos.sql.values import UNDEFINED, is_number, number

_INT64: Final = 2**63


def _real(call: Callable[..., float], least: int = 1, most: int | None = None) -> Function:
    """A function of numbers; outside of its domain it is undefined."""

    def apply(*values: Any) -> Any:
        if not all(map(is_number, values)):
            return UNDEFINED
        try:
            return number(call(*values))
        except (ArithmeticError, ValueError):
            return UNDEFINED

    return Function(apply, least, most or least)


def _integral(call: Callable[..., int], arity: int = 2) -> Function:
    def apply(*values: Any) -> Any:
        if not all(whole(value) and -_INT64 <= value < _INT64 for value in values):
            return UNDEFINED
        try:
            return (call(*map(int, values)) + _INT64) % (2 * _INT64) - _INT64
        except (ArithmeticError, ValueError):
            return UNDEFINED

    return Function(apply, arity, arity)


def _round(value: float, digits: float = 0) -> float:
    """Half away from zero."""
    scale = 10.0 ** int(digits)
    return math.copysign(math.floor(abs(value) * scale + 0.5) / scale, value) if value else 0


def _power(base: float, exponent: float) -> float:
    return math.pow(base, exponent)


def _divide(left: int, right: int) -> int:
    """Towards zero."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    return left - right * _divide(left, right)


def _bin(value: float, size: float = 1) -> float:
    if size <= 0:
        raise ValueError(size)
    return math.floor(value / size) * size


def _shift(left: int, count: int) -> int:
    return left << (count & 63)


FUNCTIONS: Final[dict[str, Function]] = {
    "ABS": _real(abs),
    "ACOS": _real(math.acos),
    "ASIN": _real(math.asin),
    "ATAN": _real(math.atan),
    "ATN2": _real(math.atan2, 2),
    "CEILING": _real(math.ceil),
    "COS": _real(math.cos),
    "COT": _real(lambda value: 1 / math.tan(value)),
    "DEGREES": _real(math.degrees),
    "EXP": _real(math.exp),
    "FLOOR": _real(math.floor),
    "INTADD": _integral(operator.add),
    "INTBITAND": _integral(operator.and_),
    "INTBITLEFTSHIFT": _integral(_shift),
    "INTBITNOT": _integral(operator.invert, 1),
    "INTBITOR": _integral(operator.or_),
    "INTBITRIGHTSHIFT": _integral(lambda value, count: value >> (count & 63)),
    "INTBITXOR": _integral(operator.xor),
    "INTDIV": _integral(_divide),
    "INTMOD": _integral(_remainder),
    "INTMUL": _integral(operator.mul),
    "INTSUB": _integral(operator.sub),
    "LOG": _real(math.log, 1, 2),
    "LOG10": _real(math.log10),
    "NUMBERBIN": _real(_bin, 1, 2),
    "PI": Function(lambda: math.pi, 0, 0),
    "POWER": _real(_power, 2),
    "RADIANS": _real(math.radians),
    "RAND": Function(random.random, 0, 0),
    "ROUND": _real(_round, 1, 2),
    "SIGN": _real(lambda value: (value > 0) - (value < 0)),
    "SIN": _real(math.sin),
    "SQRT": _real(math.sqrt),
    "SQUARE": _real(lambda value: value * value),
    "TAN": _real(math.tan),
    "TRUNC": _real(math.trunc),
}
