"""Numbers as the service keeps them: IEEE 754 binary64, whatever digits the client sent.

9007199254740993          9007199254740992          2**53 + 1 is between two doubles
769308320146468865        769308320146468900        the shortest digits that mean this double, as JavaScript prints them
2**63 and more            9.223372036854776e+18     the same, with an exponent
"""

from __future__ import annotations

from typing import Any

from localazure.cosmos.storage.limits import EXACT_INTEGER

_WHOLE_BELOW = 2**63


def double(value: float) -> float:
    """The double that a number is stored as; a whole one below 2**63 is an integer again, and so shown in full."""
    if type(value) is float or -EXACT_INTEGER <= value <= EXACT_INTEGER:
        return value
    nearest = float(value)
    return int(nearest) if abs(nearest) < _WHOLE_BELOW else nearest


def doubles(value: Any) -> Any:
    """A JSON value with every whole number in it as it is stored; objects and arrays are changed in place."""
    if type(value) is int:
        return double(value)
    if type(value) is dict:
        for name, member in value.items():
            value[name] = doubles(member)
    elif type(value) is list:
        value[:] = map(doubles, value)
    return value
