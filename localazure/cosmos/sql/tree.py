"""The syntax tree of a query.

Every node is immutable and compares by its content: the position in the text takes no part in that, so two
spellings of one query give equal trees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from typing import Literal as OneOf

from localazure.cosmos.sql.values import UNDEFINED


def _position() -> Any:
    return field(default=-1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """null, a boolean, a number, a string or ``UNDEFINED``."""

    value: Any


UNDEFINED_LITERAL = Literal(UNDEFINED)


@dataclass(frozen=True, slots=True)
class Parameter:
    """``@name``, with its value in the request's parameters."""

    name: str
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Name:
    """An alias of the FROM clause."""

    name: str
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Member:
    """``base.key`` and ``base[key]``."""

    base: Expression
    key: Expression


@dataclass(frozen=True, slots=True)
class Unary:
    """``NOT``, ``-``, ``+`` and ``~``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic, comparison, bitwise, ``||`` and ``??``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical:
    """``AND`` or ``OR`` over two or more operands."""

    operator: OneOf["AND", "OR"]
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class In:
    """``needle [NOT] IN (…)``."""

    needle: Expression
    haystack: tuple[Expression, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """``value [NOT] BETWEEN low AND high``, both ends included."""

    value: Expression
    low: Expression
    high: Expression
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """``value [NOT] LIKE pattern [ESCAPE 'x']``."""

    value: Expression
    pattern: Expression
    escape: str | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Conditional:
    """``test ? then : otherwise``."""

    test: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an aggregate; the name in upper case."""

    name: str
    arguments: tuple[Expression, ...]
    position: int = _position()


@dataclass(frozen=True, slots=True)
class ArrayLiteral:
    """``[…]``; undefined elements are left out."""

    elements: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ObjectLiteral:
    """``{"name": …}``; undefined members are left out."""

    members: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Subquery:
    """A query inside an expression: its one row, whether it has rows, or all rows as an array."""

    kind: OneOf["SCALAR", "EXISTS", "ARRAY"]
    select: Select


Expression = (
    Literal
    | Parameter
    | Name
    | Member
    | Unary
    | Binary
    | Logical
    | In
    | Between
    | Like
    | Conditional
    | Call
    | ArrayLiteral
    | ObjectLiteral
    | Subquery
)


@dataclass(frozen=True, slots=True)
class Projection:
    """One expression of the SELECT list, with the alias it was given, if any."""

    expression: Expression
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One member of FROM: ``collection [AS] alias``, or ``alias IN collection``, which iterates an array.

    ``alias`` is None where the text gives no name and none follows from a path: such rows cannot be referred to.
    """

    collection: Expression | Select
    alias: str | None
    iterates: bool = False
    position: int = _position()


@dataclass(frozen=True, slots=True)
class Sort:
    """One item of ORDER BY."""

    expression: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """A whole query or subquery.

    ``projections`` is empty for ``SELECT *``; ``value`` marks SELECT VALUE, with exactly one projection.
    """

    projections: tuple[Projection, ...]
    value: bool = False
    distinct: bool = False
    top: Literal | Parameter | None = None
    sources: tuple[Source, ...] = ()
    where: Expression | None = None
    group_by: tuple[Expression, ...] = ()
    order_by: tuple[Sort, ...] = ()
    offset: Literal | Parameter | None = None
    limit: Literal | Parameter | None = None

    @property
    def star(self) -> bool:
        """Whether this is ``SELECT *``."""
        return not self.projections
