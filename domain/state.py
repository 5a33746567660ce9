"""State to JSON-native values and back, by the types that the state declares.

Declared types may be str, int, bool, enums, dates and times, data classes of these, dicts of these, and `| None`.
"""

from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints


def to_json(value: Any) -> Any:
    """`value` in dicts, strings, numbers, booleans and None; nothing of it is shared with `value`."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    return value


def from_json(declared: Any, value: Any) -> Any:
    """What `to_json` was given, when `declared` is its type."""
    if value is None:
        return None
    arguments = [argument for argument in get_args(declared) if argument is not NoneType]
    if get_origin(declared) is dict:
        key_type, item_type = arguments
        return {from_json(key_type, key): from_json(item_type, item) for key, item in value.items()}
    if arguments:
        (declared,) = arguments
    if is_dataclass(declared):
        return declared(**fields_from_json(declared, value))  # type: ignore[operator]
    if issubclass(declared, date):
        return declared.fromisoformat(value)
    return declared(value)


def fields_from_json(declared: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The fields of the data class `declared`, restored from a dict; one that is missing keeps its default."""
    types = _types(declared)
    return {
        field.name: from_json(types[field.name], values[field.name])
        for field in fields(declared)
        if field.name in values
    }


_types = cache(get_type_hints)
