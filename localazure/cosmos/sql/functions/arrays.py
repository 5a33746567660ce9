"""Array and set functions, and the two that turn objects into arrays or pick from their arguments."""

from __future__ import annotations

from typing import Any, Final

from localazure.cosmos.sql.functions.function import Function, whole
from localazure.cosmos.sql.values import UNDEFINED, equal, sort_key

_MANY: Final = 100


def _arrays(*values: Any) -> bool:
    return all(type(value) is list for value in values)


def _concat(*arrays: Any) -> Any:
    return [element for array in arrays for element in array] if _arrays(*arrays) else UNDEFINED


def _matches(element: Any, wanted: Any, partial: bool) -> bool:
    """Equality; with ``partial`` an object also matches when it has all members of the wanted one."""
    if partial and type(element) is dict and type(wanted) is dict:
        return all(name in element and _matches(element[name], value, True) for name, value in wanted.items())
    return equal(element, wanted)


def _contains(array: Any, wanted: Any, partial: Any = False) -> Any:
    if not _arrays(array) or type(partial) is not bool:
        return UNDEFINED
    return any(_matches(element, wanted, partial) for element in array)


def _contains_any(array: Any, *wanted: Any) -> Any:
    if not _arrays(array):
        return UNDEFINED
    return any(_contains(array, value) for value in wanted)


def _contains_all(array: Any, *wanted: Any) -> Any:
    if not _arrays(array):
        return UNDEFINED
    return all(_contains(array, value) for value in wanted)


def _length(array: Any) -> Any:
    return len(array) if _arrays(array) else UNDEFINED


def _slice(array: Any, start: Any, length: Any = None) -> Any:
    if not _arrays(array) or not whole(start) or not (length is None or whole(length)):
        return UNDEFINED
    first = max(len(array) + int(start), 0) if start < 0 else int(start)
    return array[first:] if length is None else array[first : first + max(int(length), 0)]


def _union(*arrays: Any) -> Any:
    if not _arrays(*arrays):
        return UNDEFINED
    found: dict[Any, Any] = {}
    for array in arrays:
        for element in array:
            found.setdefault(sort_key(element), element)
    return list(found.values())


def _intersection(left: Any, right: Any) -> Any:
    if not _arrays(left, right):
        return UNDEFINED
    wanted = set(map(sort_key, right))
    return _union([element for element in left if sort_key(element) in wanted])


def _difference(left: Any, right: Any) -> Any:
    if not _arrays(left, right):
        return UNDEFINED
    unwanted = set(map(sort_key, right))
    return _union([element for element in left if sort_key(element) not in unwanted])


def _set_equal(left: Any, right: Any) -> Any:
    if not _arrays(left, right):
        return UNDEFINED
    return set(map(sort_key, left)) == set(map(sort_key, right))


def _object_to_array(value: Any, name: Any = "k", member: Any = "v") -> Any:
    if type(value) is not dict or type(name) is not str or type(member) is not str:
        return UNDEFINED
    return [{name: key, member: item} for key, item in value.items()]


def _choose(index: Any, *values: Any) -> Any:
    """The value at an index that counts from 1."""
    return values[int(index) - 1] if whole(index) and 1 <= index <= len(values) else UNDEFINED


FUNCTIONS: Final[dict[str, Function]] = {
    "ARRAY_CONCAT": Function(_concat, 2, _MANY),
    "ARRAY_CONTAINS": Function(_contains, 2, 3),
    "ARRAY_CONTAINS_ALL": Function(_contains_all, 2, _MANY),
    "ARRAY_CONTAINS_ANY": Function(_contains_any, 2, _MANY),
    "ARRAY_LENGTH": Function(_length, 1, 1),
    "ARRAY_SLICE": Function(_slice, 2, 3),
    "CHOOSE": Function(_choose, 2, _MANY, strict=False),
    "OBJECTTOARRAY": Function(_object_to_array, 1, 3),
    "SETDIFFERENCE": Function(_difference, 2, 2),
    "SETEQUAL": Function(_set_equal, 2, 2),
    "SETINTERSECT": Function(_intersection, 2, 2),
    "SETUNION": Function(_union, 2, 2),
}
