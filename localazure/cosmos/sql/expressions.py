"""Tokens -> expression trees.

Precedence and associativity follow the grammar that Microsoft publishes with its .NET SDK
(``Query/Core/Parser/sql.g4``), which is C's rather than SQL's in two places: NOT binds as tightly as a sign
(``NOT c.a = 1`` negates ``c.a``), and ``||`` binds more loosely than ``=``. Shifts, which that grammar lacks, stand
where JavaScript has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from localazure.cosmos.sql.constructs import IN_SUBQUERY, absent_argument, absent_call, absent_prefix
from localazure.cosmos.sql.cursor import Cursor
from localazure.cosmos.sql.tree import (
    UNDEFINED_LITERAL,
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

PRECEDENCE: Final = {
    **dict.fromkeys(("||",), 1),
    **dict.fromkeys(("|",), 2),
    **dict.fromkeys(("^",), 3),
    **dict.fromkeys(("&",), 4),
    **dict.fromkeys(("=", "!=", "<>"), 5),
    **dict.fromkeys(("<", ">", "<=", ">="), 6),
    **dict.fromkeys(("<<", ">>", ">>>"), 7),
    **dict.fromkeys(("+", "-"), 8),
    **dict.fromkeys(("*", "/", "%"), 9),
}
_CONSTANTS: Final = {
    "true": Literal(value=True),
    "false": Literal(value=False),
    "null": Literal(None),
    "undefined": UNDEFINED_LITERAL,
}
_CALLABLE_KEYWORDS: Final = ("LEFT", "RIGHT")


class ExpressionParser:
    """Parses one expression at the cursor; ``select`` parses a subquery after its opening parenthesis."""

    def __init__(self, cursor: Cursor, select: Callable[[], Select]) -> None:
        self._cursor = cursor
        self._select = select

    def parse(self) -> Expression:
        """A whole expression: ``test ? then : otherwise`` and everything that binds tighter."""
        test = self._coalesce()
        if not self._cursor.accept("?"):
            return test
        then = self.parse()
        self._cursor.expect(":", "of the ternary operator")
        return Conditional(test, then, self.parse())

    def list(self, closing: str) -> tuple[Expression, ...]:
        """Expressions between commas, up to and including the closing symbol."""
        if self._cursor.accept(closing):
            return ()
        found = [self.parse()]
        while self._cursor.accept(","):
            found.append(self.parse())
        self._cursor.expect(closing, "after the list")
        return tuple(found)

    def _coalesce(self) -> Expression:
        left = self._or()
        while self._cursor.accept("??"):
            left = Binary("??", left, self._or())
        return left

    def _or(self) -> Expression:
        operands = [self._and()]
        while self._cursor.accept("OR"):
            operands.append(self._and())
        return operands[0] if len(operands) == 1 else Logical("OR", tuple(operands))

    def _and(self) -> Expression:
        operands = [self._predicate()]
        while self._cursor.accept("AND"):
            operands.append(self._predicate())
        return operands[0] if len(operands) == 1 else Logical("AND", tuple(operands))

    def _predicate(self) -> Expression:
        left = self._binary(1)
        cursor = self._cursor
        negated = cursor.at("NOT") and cursor.peek().text in ("IN", "BETWEEN", "LIKE")
        if negated:
            cursor.advance()
        if cursor.accept("IN"):
            cursor.expect("(", "after IN")
            if cursor.at(")"):
                raise cursor.unexpected("the list after IN is empty")
            if cursor.at("SELECT"):
                raise cursor.error(IN_SUBQUERY)
            return In(left, self.list(")"), negated)
        if cursor.accept("BETWEEN"):
            low = self._binary(1)
            cursor.expect("AND", "between the two ends of BETWEEN")
            return Between(left, low, self._binary(1), negated)
        if cursor.accept("LIKE"):
            return Like(left, self._binary(1), self._escape(), negated)
        return left

    def _escape(self) -> str | None:
        if not self._cursor.accept("ESCAPE"):
            return None
        token = self._cursor.token
        if token.kind != "string" or len(token.value) != 1:
            raise self._cursor.unexpected("ESCAPE takes a string of one character")
        return str(self._cursor.advance().value)

    def _binary(self, least: int) -> Expression:
        left = self._unary()
        while True:
            token = self._cursor.token
            precedence = PRECEDENCE.get(token.text, 0) if token.kind == "symbol" else 0
            if precedence < least or precedence == 0:
                return left
            self._cursor.advance()
            right = self._binary(precedence + 1)
            left = Binary("!=" if token.text == "<>" else token.text, left, right)

    def _unary(self) -> Expression:
        token = self._cursor.accept("NOT", "-", "+", "~")
        if token is None:
            return self._postfix()
        operand = self._unary()
        if token.text in "-+" and isinstance(operand, Literal) and type(operand.value) in (int, float):
            return Literal(-operand.value if token.text == "-" else operand.value)
        return Unary(token.text, operand)

    def _postfix(self) -> Expression:
        found = self._primary()
        cursor = self._cursor
        while True:
            if cursor.accept("."):
                found = Member(found, Literal(cursor.identifier("after '.'").value))
            elif cursor.accept("["):
                found = Member(found, self.parse())
                cursor.expect("]", "after a property name or an index")
            else:
                return found

    def _primary(self) -> Expression:
        cursor = self._cursor
        token = cursor.token
        if token.kind in ("number", "string"):
            return Literal(cursor.advance().value)
        if token.kind == "parameter":
            cursor.advance()
            return Parameter(token.text, token.position)
        if cursor.accept("["):
            return ArrayLiteral(self.list("]"))
        if cursor.accept("{"):
            return ObjectLiteral(self._members())
        if cursor.accept("("):
            return self._parenthesised()
        if token.kind == "word":
            return self._word()
        raise cursor.unexpected("expected an expression")

    def _parenthesised(self) -> Expression:
        if self._cursor.at("SELECT"):
            found: Expression = Subquery("SCALAR", self._select())
        else:
            found = self.parse()
        self._cursor.expect(")", "to close the parenthesis")
        return found

    def _members(self) -> tuple[tuple[str, Expression], ...]:
        cursor = self._cursor
        members: list[tuple[str, Expression]] = []
        while not cursor.accept("}"):
            if members:
                cursor.expect(",", "between the members of an object")
            if cursor.token.kind not in ("string", "word"):
                raise cursor.unexpected('expected the name of a member, for instance {"name": c.name}')
            name = cursor.advance().value
            cursor.expect(":", "after the name of a member")
            members.append((name, self.parse()))
        return tuple(members)

    def _word(self) -> Expression:
        cursor = self._cursor
        token, following = cursor.token, cursor.peek()
        if token.value in _CONSTANTS:
            cursor.advance()
            return _CONSTANTS[token.value]
        if token.text == "UDF" and following.text == ".":
            raise cursor.error("User-defined functions (udf.…) are not supported")
        if token.text == "SELECT":
            raise cursor.error("Syntax error near 'SELECT': a subquery stands in parentheses of its own, (SELECT …)")
        if following.text == "(" and following.kind == "symbol":
            if token.text in ("EXISTS", "ARRAY"):
                return self._subquery("EXISTS" if token.text == "EXISTS" else "ARRAY")
            if refusal := absent_call(token.text):
                raise cursor.error(refusal)
            return self._call()
        if token.text in ("TRUE", "FALSE", "NULL", "UNDEFINED"):
            raise cursor.error(f"Syntax error near '{token.value}': the constant is written {token.text.lower()}")
        if refusal := absent_prefix(token, following):
            raise cursor.error(refusal)
        name = cursor.identifier("or a value")
        return Name(name.value, name.position)

    def _call(self) -> Expression:
        cursor = self._cursor
        name = cursor.advance() if cursor.at(*_CALLABLE_KEYWORDS) else cursor.identifier("of a function")
        cursor.advance()
        if cursor.at("*", "DISTINCT"):
            raise cursor.error(absent_argument(name.text, cursor.token.text))
        return Call(name.text, self.list(")"), name.position)

    def _subquery(self, kind: str) -> Expression:
        cursor = self._cursor
        cursor.advance()
        cursor.advance()
        if not cursor.at("SELECT"):
            raise cursor.unexpected(f"{kind} takes a subquery, {kind}(SELECT …)")
        found = Subquery("EXISTS" if kind == "EXISTS" else "ARRAY", self._select())
        cursor.expect(")", f"to close {kind}(SELECT …)")
        return found
