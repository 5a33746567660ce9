"""Text -> JSON values and back: StringTo… and ToString."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any, Final

from localazure.cosmos.sql.functions.function import Function
from localazure.cosmos.sql.values import UNDEFINED, is_number, number

_SPACE: Final = " \t\r\n"
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _parse(text: Any, *kinds: type) -> Any:
    """The JSON value in a text if it is of one of these types."""
    if type(text) is not str:
        return UNDEFINED
    try:
        value = json.loads(text.strip(_SPACE), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return UNDEFINED
    return value if type(value) in kinds else UNDEFINED


def _to_number(text: Any) -> Any:
    if type(text) is not str or not _NUMBER.fullmatch(text.strip(_SPACE)):
        return UNDEFINED
    value = text.strip(_SPACE)
    return number(int(value) if value.lstrip("-").isdecimal() else float(value))


def number_text(value: float) -> str:
    """A number as JavaScript prints it: no fraction on whole numbers, exponents only far from 1."""
    if type(value) is int:
        return str(value)
    if value == 0:
        return "0"
    digits = repr(value)
    if 1e-6 <= abs(value) < 1e21:
        plain = format(Decimal(digits), "f")
        return plain.removesuffix(".0") if not math.fmod(value, 1) else plain
    mantissa, _, exponent = f"{Decimal(digits):E}".partition("E")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{int(exponent):+d}"


def json_text(value: Any) -> str:
    """A value as compact JSON."""
    if is_number(value):
        return number_text(value)
    if type(value) is list:
        return "[" + ",".join(map(json_text, value)) + "]"
    if type(value) is dict:
        members = (f"{json.dumps(name, ensure_ascii=False)}:{json_text(member)}" for name, member in value.items())
        return "{" + ",".join(members) + "}"
    return json.dumps(value, ensure_ascii=False)


def _to_string(value: Any) -> str:
    return value if type(value) is str else json_text(value)


FUNCTIONS: Final[dict[str, Function]] = {
    "STRINGTOARRAY": Function(lambda text: _parse(text, list), 1, 1),
    "STRINGTOBOOLEAN": Function(lambda text: _parse(text, bool), 1, 1),
    "STRINGTONULL": Function(lambda text: _parse(text, type(None)), 1, 1),
    "STRINGTONUMBER": Function(_to_number, 1, 1),
    "STRINGTOOBJECT": Function(lambda text: _parse(text, dict), 1, 1),
    "TOSTRING": Function(_to_string, 1, 1),
}
