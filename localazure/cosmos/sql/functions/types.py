"""Type checks and the conditional function. None of them is ever undefined because of its argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from localazure.cosmos.sql.functions.function import Function, whole
from localazure.cosmos.sql.values import UNDEFINED, is_number

_INT64: Final = 2**63


def _is(kind: type) -> Callable[[Any], bool]:
    return lambda value: type(value) is kind


def _is_finite(value: Any) -> bool:
    return is_number(value)


def _is_integer(value: Any) -> bool:
    return whole(value) and -_INT64 <= value < _INT64


def _is_primitive(value: Any) -> bool:
    return value is not UNDEFINED and type(value) not in (list, dict)


def _iif(test: Any, then: Any, otherwise: Any) -> Any:
    return then if test is True else otherwise


def _checks(*calls: tuple[str, Callable[[Any], bool]]) -> dict[str, Function]:
    return {name: Function(call, 1, 1, strict=False) for name, call in calls}


FUNCTIONS: Final[dict[str, Function]] = {
    **_checks(
        ("IS_DEFINED", lambda value: value is not UNDEFINED),
        ("IS_NULL", lambda value: value is None),
        ("IS_BOOL", _is(bool)),
        ("IS_NUMBER", is_number),
        ("IS_FINITE_NUMBER", _is_finite),
        ("IS_INTEGER", _is_integer),
        ("IS_STRING", _is(str)),
        ("IS_ARRAY", _is(list)),
        ("IS_OBJECT", _is(dict)),
        ("IS_PRIMITIVE", _is_primitive),
    ),
    "IIF": Function(_iif, 3, 3, strict=False),
}
