"""Expression trees -> Python closures.

A closure takes a row (see ``scope``) and returns a JSON value or ``UNDEFINED``. Parameter values are compiled in,
so that a comparison with a constant, which is what a WHERE mostly does, costs one type test and one comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localazure.cosmos.sql.aggregates import AGGREGATES
from localazure.cosmos.sql.computed import Computed
from localazure.cosmos.sql.errors import SqlError
from localazure.cosmos.sql.functions import FUNCTIONS, unsupported
from localazure.cosmos.sql.like import matcher
from localazure.cosmos.sql.operators import BINARY, UNARY, member
from localazure.cosmos.sql.scope import Scope
from localazure.cosmos.sql.shortcuts import among_constants, compare_constant, constant_member
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
    Select,
    Subquery,
    Unary,
)
from localazure.cosmos.sql.values import UNDEFINED

Row = tuple[Any, ...]
Evaluate = Callable[[Row], Any]
Constants = Mapping[str, Any]
SubqueryCompiler = Callable[[Select, Scope], Callable[[Row], Iterator[Any]]]


class Compiler:
    """Compiles the expressions of one query; ``subquery`` compiles a nested query to row -> iterator of rows."""

    def __init__(
        self, text: str, parameters: Constants, computed: Mapping[str, Computed], subquery: SubqueryCompiler
    ) -> None:
        self._text = text
        self._parameters = parameters
        self._computed = computed
        self._rows_of = subquery

    def error(self, message: str, position: int) -> SqlError:
        """A refusal that points into the query text."""
        return SqlError(message, text=self._text, position=position if position >= 0 else None)

    def compile(self, tree: Expression, scope: Scope) -> Evaluate:
        """The closure of an expression."""
        method: Callable[[Any, Scope], Evaluate] = getattr(self, f"_{type(tree).__name__.lower()}")
        return method(tree, scope)

    def constant(self, tree: Literal | Parameter) -> Any:
        """The value of a literal or a parameter."""
        if isinstance(tree, Literal):
            return tree.value
        if tree.name not in self._parameters:
            raise self.error(
                f"The parameter {tree.name} has no value; add it to the parameters of the request", tree.position
            )
        return self._parameters[tree.name]

    def _all(self, trees: tuple[Expression, ...], scope: Scope) -> tuple[Evaluate, ...]:
        return tuple(self.compile(tree, scope) for tree in trees)

    def _literal(self, tree: Literal, _: Scope) -> Evaluate:
        return _always(tree.value)

    def _parameter(self, tree: Parameter, _: Scope) -> Evaluate:
        return _always(self.constant(tree))

    def _name(self, tree: Name, scope: Scope) -> Evaluate:
        if tree.name not in scope.slots:
            known = ", ".join(scope.slots) or "none, as there is no FROM"
            raise self.error(f"Identifier '{tree.name}' could not be resolved; names in scope: {known}", tree.position)
        slot = scope.slots[tree.name]
        return lambda row: row[slot]

    def _member(self, tree: Member, scope: Scope) -> Evaluate:
        base = self.compile(tree.base, scope)
        if isinstance(tree.key, Literal):
            slot = scope.slots[tree.base.name] if isinstance(tree.base, Name) else None
            if slot is not None and slot == scope.item and tree.key.value in self._computed:
                definition = self._computed[tree.key.value]
                inside = Compiler(definition.text, {}, {}, self._rows_of)
                return inside.compile(definition.expression, Scope({definition.alias: slot}, scope.size))
            return constant_member(base, tree.key.value, slot)
        key = self.compile(tree.key, scope)
        return lambda row: member(base(row), key(row))

    def _unary(self, tree: Unary, scope: Scope) -> Evaluate:
        operand, apply = self.compile(tree.operand, scope), UNARY[tree.operator]
        return lambda row: apply(operand(row))

    def _binary(self, tree: Binary, scope: Scope) -> Evaluate:
        left = self.compile(tree.left, scope)
        right = self.compile(tree.right, scope)
        if tree.operator == "??":
            return lambda row: right(row) if (value := left(row)) is UNDEFINED else value
        if isinstance(tree.right, Literal | Parameter):
            shortcut = compare_constant(tree.operator, left, self.constant(tree.right))
            if shortcut is not None:
                return shortcut
        apply = BINARY[tree.operator]
        return lambda row: apply(left(row), right(row))

    def _logical(self, tree: Logical, scope: Scope) -> Evaluate:
        operands = self._all(tree.operands, scope)
        decides = tree.operator == "OR"
        neutral = not decides

        def evaluate(row: Row) -> Any:
            result: Any = neutral
            for operand in operands:
                value = operand(row)
                if value is decides:
                    return decides
                if value is not neutral:
                    result = UNDEFINED
            return result

        return evaluate

    def _in(self, tree: In, scope: Scope) -> Evaluate:
        needle = self.compile(tree.needle, scope)
        constants = [straw for straw in tree.haystack if isinstance(straw, Literal | Parameter)]
        if len(constants) == len(tree.haystack):
            return among_constants(needle, map(self.constant, constants), tree.negated)
        haystack = self._all(tree.haystack, scope)
        equals, negated = BINARY["="], tree.negated

        def evaluate(row: Row) -> Any:
            value = needle(row)
            if value is UNDEFINED:
                return UNDEFINED
            return any(equals(value, straw(row)) is True for straw in haystack) is not negated

        return evaluate

    def _between(self, tree: Between, scope: Scope) -> Evaluate:
        inside = self.compile(
            Logical("AND", (Binary(">=", tree.value, tree.low), Binary("<=", tree.value, tree.high))), scope
        )
        return self._negate(inside) if tree.negated else inside

    def _like(self, tree: Like, scope: Scope) -> Evaluate:
        value, pattern, escape = self.compile(tree.value, scope), self.compile(tree.pattern, scope), tree.escape

        def evaluate(row: Row) -> Any:
            text, form = value(row), pattern(row)
            if type(text) is not str or type(form) is not str:
                return UNDEFINED
            return matcher(form, escape)(text) is not None

        return self._negate(evaluate) if tree.negated else evaluate

    @staticmethod
    def _negate(inside: Evaluate) -> Evaluate:
        negate = UNARY["NOT"]
        return lambda row: negate(inside(row))

    def _conditional(self, tree: Conditional, scope: Scope) -> Evaluate:
        test, then, otherwise = self._all((tree.test, tree.then, tree.otherwise), scope)
        return lambda row: then(row) if test(row) is True else otherwise(row)

    def _call(self, tree: Call, scope: Scope) -> Evaluate:
        if tree in scope.aggregates:
            slot = scope.aggregates[tree]
            return lambda row: row[slot]
        if tree.name in AGGREGATES:
            raise self.error(f"The aggregate {tree.name} is only valid in the SELECT list", tree.position)
        function = FUNCTIONS.get(tree.name)
        if function is None:
            raise self.error(unsupported(tree.name), tree.position)
        if not function.least <= len(tree.arguments) <= function.most:
            raise self.error(
                f"The {tree.name} function takes {function.arity}, not {len(tree.arguments)}", tree.position
            )
        if tree.name == "ARRAY_CONTAINS" and len(tree.arguments) == 2 and isinstance(tree.arguments[0], Parameter):
            array = self.constant(tree.arguments[0])
            if type(array) is list:
                return among_constants(self.compile(tree.arguments[1], scope), array, negated=False)
        return function.compile(self._all(tree.arguments, scope))

    def _arrayliteral(self, tree: ArrayLiteral, scope: Scope) -> Evaluate:
        elements = self._all(tree.elements, scope)
        return lambda row: [value for element in elements if (value := element(row)) is not UNDEFINED]

    def _objectliteral(self, tree: ObjectLiteral, scope: Scope) -> Evaluate:
        members = tuple((name, self.compile(value, scope)) for name, value in tree.members)
        return lambda row: {name: found for name, value in members if (found := value(row)) is not UNDEFINED}

    def _subquery(self, tree: Subquery, scope: Scope) -> Evaluate:
        rows = self._rows_of(tree.select, scope.correlated())
        if tree.kind == "ARRAY":
            return lambda row: list(rows(row))
        if tree.kind == "EXISTS":
            return lambda row: next(rows(row), UNDEFINED) is not UNDEFINED
        return lambda row: _only(rows(row))


def _always(value: Any) -> Evaluate:
    return lambda _: value


def _only(rows: Iterator[Any]) -> Any:
    value = next(rows, UNDEFINED)
    if next(rows, UNDEFINED) is not UNDEFINED:
        raise SqlError(
            "A scalar subquery gave more than one row; use ARRAY(SELECT …), EXISTS(SELECT …) or an aggregate"
        )
    return value
