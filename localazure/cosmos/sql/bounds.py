"""What WHERE says about single properties, so that the server need not look at every item.

Both questions bring WHERE into alternatives (an OR of conjunctions) and ignore what they do not understand, which
only ever widens the answer: an item that WHERE accepts is never outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from localazure.cosmos.sql.tree import Between, Binary, Call, Expression, In, Literal, Logical, Name, Parameter, Select
from localazure.cosmos.sql.values import EXACT, UNDEFINED, equal, is_number, sort_key
from localazure.cosmos.sql.walk import property_path

T = TypeVar("T")
Alternatives = list[dict[str, T]]

MAX_ALTERNATIVES: Final = 2000
"""Beyond this many alternatives a condition is ignored: a scan costs less than as many look-ups."""
_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval of strings or of numbers; None at an end that is open. Both ends are of one type."""

    low: str | int | float | None = None
    low_inclusive: bool = False
    high: str | int | float | None = None
    high_inclusive: bool = False


def access(select: Select, parameters: Mapping[str, Any], paths: Collection[str]) -> list[dict[str, Bounds]] | None:
    """See ``Query.access``."""
    reader = _Reader(select, parameters, paths)

    def leaf(tree: Expression) -> Alternatives[Bounds] | None:
        match tree:
            case Binary(symbol, _, _) if symbol in _FLIPPED:
                return _interval(*reader.comparison(tree))
            case Between(value, low, high, False):
                least = leaf(Binary(">=", value, low))
                most = leaf(Binary("<=", value, high))
                return _conjunction([least, most], _intersect)
            case In(needle, haystack, False):
                return _disjunction([leaf(Binary("=", needle, straw)) for straw in haystack])
            case Call("ARRAY_CONTAINS", (Parameter() as array, value)):
                elements = reader.constant(array)
                if type(elements) is not list or not elements:
                    return None
                return _disjunction([leaf(Binary("=", value, Literal(element))) for element in elements])
            case Call("STARTSWITH", (value, Literal() | Parameter() as prefix)):
                path, constant = reader.path(value), reader.constant(prefix)
                return None if path is None else _prefix(path, constant)
            case _:
                return None

    return reader.alternatives(leaf, _intersect)


def key_values(select: Select, parameters: Mapping[str, Any], paths: Sequence[str]) -> list[list[Any]] | None:
    """See ``Query.key_values``."""
    reader = _Reader(select, parameters, paths)

    def leaf(tree: Expression) -> Alternatives[Any] | None:
        match tree:
            case Binary("=", _, _):
                path, _, constant = reader.comparison(tree)
                scalar = constant is not UNDEFINED and type(constant) not in (list, dict)
                return [{path: constant}] if path is not None and scalar else None
            case In(needle, haystack, False):
                return _disjunction([leaf(Binary("=", needle, straw)) for straw in haystack])
            case _:
                return None

    found = reader.alternatives(leaf, lambda left, right: left if equal(left, right) else None)
    if found is None or any(path not in alternative for alternative in found for path in paths):
        return None
    keys: dict[Any, list[Any]] = {}
    for alternative in found:
        values = [alternative[path] for path in paths]
        keys.setdefault(sort_key(values), values)
    return list(keys.values())


class _Reader:
    """Recognises properties of the item and constants in WHERE."""

    def __init__(self, select: Select, parameters: Mapping[str, Any], paths: Collection[str]) -> None:
        first = select.sources[0] if select.sources else None
        whole = first is not None and isinstance(first.collection, Name) and not first.iterates
        self._alias = first.alias if first is not None and whole else None
        self._where = select.where
        self._parameters = parameters
        self._paths = paths

    def alternatives(
        self, leaf: Callable[[Expression], Alternatives[T] | None], merge: Callable[[T, T], T | None]
    ) -> Alternatives[T] | None:
        """WHERE as alternatives; None where it says nothing."""

        def read(tree: Expression) -> Alternatives[T] | None:
            if not isinstance(tree, Logical):
                return leaf(tree)
            parts = [read(operand) for operand in tree.operands]
            return _disjunction(parts) if tree.operator == "OR" else _conjunction(parts, merge)

        if self._where is None or self._alias is None:
            return None
        return read(self._where)

    def path(self, tree: Expression) -> str | None:
        """``"/a/b"`` for a property of the item that was asked about."""
        found = property_path(tree)
        if found is None or found[0].name != self._alias:
            return None
        path = "/" + "/".join(map(str, found[1]))
        return path if path in self._paths else None

    def constant(self, tree: Expression) -> Any:
        """The value of a literal or a parameter, else ``UNDEFINED``."""
        if isinstance(tree, Parameter):
            return self._parameters.get(tree.name, UNDEFINED)
        return tree.value if isinstance(tree, Literal) else UNDEFINED

    def comparison(self, tree: Binary) -> tuple[str | None, str, Any]:
        """Path, operator and constant of ``c.a < 1`` and, turned round, of ``1 > c.a``."""
        path = self.path(tree.left)
        if path is not None:
            return path, tree.operator, self.constant(tree.right)
        return self.path(tree.right), _FLIPPED[tree.operator], self.constant(tree.left)


def _conjunction(parts: Sequence[Alternatives[T] | None], merge: Callable[[T, T], T | None]) -> Alternatives[T] | None:
    result: Alternatives[T] | None = None
    for part in parts:
        if part is None:
            continue
        if result is None:
            result = part
        elif len(result) * len(part) > MAX_ALTERNATIVES:
            result = min(result, part, key=len)
        else:
            merged = [_merge(left, right, merge) for left in result for right in part]
            result = [both for both in merged if both is not None] or result
    return result


def _merge(left: dict[str, T], right: dict[str, T], merge: Callable[[T, T], T | None]) -> dict[str, T] | None:
    both = dict(left)
    for path, value in right.items():
        if path in both:
            merged = merge(both[path], value)
            if merged is None:
                return None
            both[path] = merged
        else:
            both[path] = value
    return both


def _disjunction(parts: Sequence[Alternatives[T] | None]) -> Alternatives[T] | None:
    result: Alternatives[T] = []
    for part in parts:
        if part is None or len(result) + len(part) > MAX_ALTERNATIVES:
            return None
        result.extend(part)
    return result


def _interval(path: str | None, symbol: str, constant: Any) -> Alternatives[Bounds] | None:
    exact = is_number(constant) and -EXACT < constant < EXACT
    if path is None or not (exact or type(constant) is str):
        return None
    inclusive = symbol in ("=", "<=", ">=")
    low = {"low": constant, "low_inclusive": inclusive} if symbol in ("=", ">", ">=") else {}
    high = {"high": constant, "high_inclusive": inclusive} if symbol in ("=", "<", "<=") else {}
    return [{path: Bounds(**low, **high)}]


def _prefix(path: str, constant: Any) -> Alternatives[Bounds] | None:
    if type(constant) is not str or not constant or constant[-1] >= "\ud7ff":
        return None
    return [{path: Bounds(constant, True, constant[:-1] + chr(ord(constant[-1]) + 1), False)}]


def _intersect(left: Bounds, right: Bounds) -> Bounds | None:
    """Where both hold; None if that is nowhere."""
    values = [end for end in (left.low, left.high, right.low, right.high) if end is not None]
    if len({type(value) is str for value in values}) > 1:
        return None
    low, low_inclusive = left.low, left.low_inclusive
    if low is None or (right.low is not None and (right.low, not right.low_inclusive) > (low, not low_inclusive)):
        low, low_inclusive = right.low, right.low_inclusive
    high, high_inclusive = left.high, left.high_inclusive
    if high is None or (right.high is not None and (right.high, right.high_inclusive) < (high, high_inclusive)):
        high, high_inclusive = right.high, right.high_inclusive
    return Bounds(low, low_inclusive, high, high_inclusive)
