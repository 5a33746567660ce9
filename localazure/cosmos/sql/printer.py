"""Trees -> query text that parses to the same tree again."""

from __future__ import annotations

import json
import re
from typing import Final

from localazure.cosmos.sql.tokens import RESERVED
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
    Parameter,
    Projection,
    Select,
    Source,
    Subquery,
    Unary,
)
from localazure.cosmos.sql.values import UNDEFINED

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE: Final = (Literal, Parameter, Name, Member, Call, ArrayLiteral, ObjectLiteral, Subquery)


def quote(text: str) -> str:
    """A string literal."""
    return json.dumps(text, ensure_ascii=False)


def expression_text(tree: Expression) -> str:
    """The text of an expression; what is not a primary expression stands in parentheses where it is an operand."""
    match tree:
        case Literal(value):
            return _literal(value)
        case Parameter(name) | Name(name):
            return name
        case Member(base, key):
            return _member(base, key)
        case Unary(operator, operand):
            return f"{operator} {_operand(operand)}"
        case Binary(operator, left, right):
            return f"{_operand(left)} {operator} {_operand(right)}"
        case Logical(operator, operands):
            return f" {operator} ".join(map(_operand, operands))
        case Call(name, arguments):
            return f"{name}({_list(arguments)})"
        case ArrayLiteral(elements):
            return f"[{_list(elements)}]"
        case ObjectLiteral(members):
            return "{" + ", ".join(f"{quote(name)}: {expression_text(value)}" for name, value in members) + "}"
        case Subquery(kind, select):
            return f"{'' if kind == 'SCALAR' else kind}({select_text(select)})"
        case Conditional(test, then, otherwise):
            return f"{_operand(test)} ? {_operand(then)} : {_operand(otherwise)}"
        case _:
            return _predicate(tree)


def select_text(select: Select) -> str:
    """The text of a query."""
    parts = ["SELECT"]
    if select.distinct:
        parts.append("DISTINCT")
    if select.top is not None:
        parts.append(f"TOP {expression_text(select.top)}")
    if select.value:
        parts.append("VALUE")
    parts.append(", ".join(map(_projection, select.projections)) or "*")
    if select.sources:
        parts.append("FROM " + " JOIN ".join(map(_source, select.sources)))
    if select.where is not None:
        parts.append(f"WHERE {expression_text(select.where)}")
    if select.group_by:
        parts.append(f"GROUP BY {_list(select.group_by)}")
    if select.order_by:
        keys = (
            f"{expression_text(sort.expression)} {'DESC' if sort.descending else 'ASC'}" for sort in select.order_by
        )
        parts.append(f"ORDER BY {', '.join(keys)}")
    if select.offset is not None and select.limit is not None:
        parts.append(f"OFFSET {expression_text(select.offset)} LIMIT {expression_text(select.limit)}")
    return " ".join(parts)


def _predicate(tree: In | Between | Like) -> str:
    no = "NOT " if tree.negated else ""
    match tree:
        case In(needle, haystack):
            return f"{_operand(needle)} {no}IN ({_list(haystack)})"
        case Between(value, low, high):
            return f"{_operand(value)} {no}BETWEEN {_operand(low)} AND {_operand(high)}"
        case Like(value, pattern, escape):
            suffix = "" if escape is None else f" ESCAPE {quote(escape)}"
            return f"{_operand(value)} {no}LIKE {_operand(pattern)}{suffix}"


def _operand(tree: Expression) -> str:
    text = expression_text(tree)
    return text if isinstance(tree, _BARE) else f"({text})"


def _list(trees: tuple[Expression, ...]) -> str:
    return ", ".join(map(expression_text, trees))


def _literal(value: object) -> str:
    if value is UNDEFINED:
        return "undefined"
    return quote(value) if isinstance(value, str) else json.dumps(value)


def _member(base: Expression, key: Expression) -> str:
    text = expression_text(base)
    if not isinstance(base, (Parameter, Name, Member, Call, ArrayLiteral, ObjectLiteral, Subquery)):
        text = f"({text})"
    if isinstance(key, Literal) and isinstance(key.value, str) and _plain(key.value):
        return f"{text}.{key.value}"
    return f"{text}[{expression_text(key)}]"


def _plain(name: str) -> bool:
    return _WORD.fullmatch(name) is not None and name.upper() not in RESERVED


def _projection(projection: Projection) -> str:
    text = expression_text(projection.expression)
    return text if projection.alias is None else f"{text} AS {projection.alias}"


def _source(source: Source) -> str:
    inside = isinstance(source.collection, Select)
    text = (
        f"({select_text(source.collection)})"
        if isinstance(source.collection, Select)
        else expression_text(source.collection)
    )
    if source.iterates:
        return f"{source.alias} IN {text}"
    if source.alias is None or (not inside and text == source.alias):
        return text
    return f"{text} AS {source.alias}"
