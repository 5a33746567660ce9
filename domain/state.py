"""State to JSON-native values and back, by the types that the state declares; and what these types are, in a text.

Declared types may be str, int, bool, enums, dates and times, data classes of these, dicts of these, and `| None`.
"""

from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


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


def describe(declared: Any) -> str:
    """A type as text, the same in every process: its fields with their types and defaults, an enum with its values."""
    if arguments := [describe(argument) for argument in get_args(declared)]:
        origin = get_origin(declared)
        return " | ".join(arguments) if origin in (Union, UnionType) else f"{origin.__name__}[{', '.join(arguments)}]"
    if is_dataclass(declared):
        types = get_type_hints(declared)
        shapes = (f"{each.name}: {describe(types[each.name])}{_default(each)}" for each in fields(declared))
        return f"{{{', '.join(shapes)}}}"
    if isinstance(declared, type) and issubclass(declared, Enum):
        return f"{declared.__name__}{[each.value for each in declared]}"
    return str(getattr(declared, "__name__", declared))


def _default(field: Field[Any]) -> str:
    if field.default_factory is not MISSING:
        return f" = {getattr(field.default_factory, '__name__', '')}()"
    return "" if field.default is MISSING else f" = {field.default!r}"


_types = cache(get_type_hints)
