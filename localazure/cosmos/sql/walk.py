"""Questions about trees: their children, the aggregates in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localazure.cosmos.sql.aggregates import AGGREGATES
from localazure.cosmos.sql.tree import (
    ArrayLiteral,
    Between,
    Binary,
    Call,
    Conditional,
    Expression,
    In,
    Like,
    Literal,
    Logical,
    Member,
    Name,
    ObjectLiteral,
    Projection,
    Select,
    Subquery,
    Unary,
)


def children(tree: Expression) -> tuple[Expression, ...]:
    """The expressions directly below; a subquery has none, it is a query of its own."""
    match tree:
        case Member(base, key):
            return (base, key)
        case Unary(_, operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Logical(_, operands):
            return operands
        case In(needle, haystack):
            return (needle, *haystack)
        case Between(value, low, high):
            return (value, low, high)
        case Like(value, pattern):
            return (value, pattern)
        case Conditional(test, then, otherwise):
            return (test, then, otherwise)
        case Call(_, arguments):
            return arguments
        case ArrayLiteral(elements):
            return elements
        case ObjectLiteral(members):
            return tuple(value for _, value in members)
        case _:
            return ()


def is_aggregate(tree: Expression) -> bool:
    """Whether this very node is a call of an aggregate."""
    return isinstance(tree, Call) and tree.name in AGGREGATES


def aggregates(tree: Expression) -> Iterator[Call]:
    """The outermost aggregates of an expression, from left to right."""
    if isinstance(tree, Call) and tree.name in AGGREGATES:
        yield tree
        return
    for child in children(tree):
        yield from aggregates(child)


def aggregates_of(select: Select) -> tuple[Call, ...]:
    """The distinct aggregates of the SELECT list, in order of appearance."""
    return tuple(dict.fromkeys(call for projection in select.projections for call in aggregates(projection.expression)))


def ungrouped(tree: Expression, group_by: tuple[Expression, ...]) -> Name | None:
    """The first alias that is used outside of aggregates and of the GROUP BY expressions."""
    if tree in group_by or is_aggregate(tree):
        return None
    if isinstance(tree, Name | Subquery):
        return next(names(tree), None)
    return next((name for child in children(tree) if (name := ungrouped(child, group_by)) is not None), None)


def names(tree: Expression) -> Iterator[Name]:
    """The aliases that an expression takes from its surroundings."""
    if isinstance(tree, Name):
        yield tree
    elif isinstance(tree, Subquery):
        yield from _free_names(tree.select)
    else:
        for child in children(tree):
            yield from names(child)


def _free_names(select: Select) -> Iterator[Name]:
    bound: set[str | None] = set()
    for source in select.sources:
        collection = source.collection
        inside = _free_names(collection) if isinstance(collection, Select) else names(collection)
        yield from (name for name in inside if name.name not in bound)
        bound.add(source.alias)
    parts = [projection.expression for projection in select.projections] + [sort.expression for sort in select.order_by]
    for part in (*parts, *select.group_by, *(() if select.where is None else (select.where,))):
        yield from (name for name in names(part) if name.name not in bound)


def property_path(tree: Expression) -> tuple[Name, tuple[str | int, ...]] | None:
    """``c.a.b[0]`` as its alias and its keys; None for anything else."""
    keys: list[str | int] = []
    while isinstance(tree, Member):
        if not isinstance(tree.key, Literal) or type(tree.key.value) not in (str, int):
            return None
        keys.append(tree.key.value)
        tree = tree.base
    return (tree, tuple(reversed(keys))) if isinstance(tree, Name) else None


def implied_name(tree: Expression) -> str | None:
    """The name that an alias or a property path has by itself: its last part."""
    if isinstance(tree, Name):
        return tree.name
    if isinstance(tree, Member) and isinstance(tree.key, Literal) and type(tree.key.value) is str:
        return tree.key.value
    return None


def column_names(projections: Sequence[Projection]) -> list[str]:
    """The members of a result: the alias, else the last part of the path, else ``$1``, ``$2``, … for the nameless."""
    names: list[str] = []
    nameless = 0
    for projection in projections:
        name = projection.alias or implied_name(projection.expression)
        if name is None:
            nameless += 1
            name = f"${nameless}"
        names.append(name)
    return names
