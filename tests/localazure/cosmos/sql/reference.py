"""The query language once more, as plainly as possible: one function per question, nothing prepared, nothing cached."""

import math
from typing import Any

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
    Unary,
)
from localazure.cosmos.sql.values import UNDEFINED

ORDERED = ("null", "boolean", "number", "string")
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


def kind(value: Any) -> str:
    if value is UNDEFINED:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]


def same(left: Any, right: Any) -> bool:
    if kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return bool(left == right)


def compare(operator: str, left: Any, right: Any) -> Any:
    if left is UNDEFINED or right is UNDEFINED:
        return UNDEFINED
    if operator in ("=", "!="):
        return same(left, right) == (operator == "=")
    if kind(left) != kind(right) or kind(left) not in ORDERED:
        return UNDEFINED
    if left is None:
        return "=" in operator
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]


def to_int32(value: float) -> int:
    return (math.trunc(value) + 2**31) % 2**32 - 2**31


def calculate(operator: str, left: Any, right: Any) -> Any:
    if operator == "||":
        return left + right if kind(left) == kind(right) == "string" else UNDEFINED
    if not kind(left) == kind(right) == "number" or (operator in "/%" and right == 0):
        return UNDEFINED
    if operator in "+-*/%":
        a, b = float(left), float(right)
        result = {"+": a + b, "-": a - b, "*": a * b, "/": a / (b or 1), "%": math.fmod(a, b or 1)}[operator]
        return UNDEFINED if math.isinf(result) or math.isnan(result) else result
    a, b = to_int32(left), to_int32(right)
    shift = b % 32
    table = {
        "&": a & b,
        "|": a | b,
        "^": a ^ b,
        "<<": to_int32(a * 2**shift),
        ">>": a // 2**shift,
        ">>>": a % 2**32 // 2**shift,
    }
    return table[operator]


def negate(value: Any) -> Any:
    return (not value) if kind(value) == "boolean" else UNDEFINED


def like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(text[start:], pattern[1:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and like(text[1:], pattern[1:])


def logical(operator: str, operands: list[Any]) -> Any:
    decides = operator == "OR"
    if any(operand is decides for operand in operands):
        return decides
    return not decides if all(kind(operand) == "boolean" for operand in operands) else UNDEFINED


def unary(operator: str, operand: Any) -> Any:
    if operator == "NOT":
        return negate(operand)
    if kind(operand) != "number":
        return UNDEFINED
    return {"-": -operand, "+": operand, "~": -to_int32(operand) - 1}[operator]


def call(name: str, arguments: list[Any]) -> Any:
    kinds = [kind(argument) for argument in arguments]
    if name == "IS_DEFINED":
        return kinds != ["undefined"]
    if name == "IS_NUMBER":
        return kinds == ["number"]
    if set(kinds) != {"string"}:
        return UNDEFINED
    return arguments[0].lower() if name == "LOWER" else arguments[0][: len(arguments[1])] == arguments[1]


def member(base: Any, key: Any) -> Any:
    if kind(base) == "object" and kind(key) == "string":
        return base.get(key, UNDEFINED)
    if kind(base) == "array" and kind(key) == "number" and key in range(len(base)):
        return base[key]
    return UNDEFINED


def evaluate(tree: Expression, item: Any, parameters: dict[str, Any]) -> Any:  # noqa: C901
    def of(part: Expression) -> Any:
        return evaluate(part, item, parameters)

    match tree:
        case Literal(value):
            return value
        case Parameter(name):
            return parameters[name]
        case Name():
            return item
        case Member(base, key):
            return member(of(base), of(key))
        case Unary(operator, operand):
            return unary(operator, of(operand))
        case Binary("??", left, right):
            return of(right) if of(left) is UNDEFINED else of(left)
        case Binary(operator, left, right):
            return (compare if operator in COMPARISONS else calculate)(operator, of(left), of(right))
        case Logical(operator, operands):
            return logical(operator, [of(operand) for operand in operands])
        case In(needle, haystack, negated):
            if of(needle) is UNDEFINED:
                return UNDEFINED
            return any(same(of(needle), of(straw)) for straw in haystack) != negated
        case Between(value, low, high, negated):
            inside = logical("AND", [compare(">=", of(value), of(low)), compare("<=", of(value), of(high))])
            return negate(inside) if negated else inside
        case Like(value, pattern, _, negated):
            if kind(of(value)) != "string" or kind(of(pattern)) != "string":
                return UNDEFINED
            return like(of(value), of(pattern)) != negated
        case Conditional(test, then, otherwise):
            return of(then) if of(test) is True else of(otherwise)
        case Call(name, arguments):
            return call(name, [of(argument) for argument in arguments])
        case ArrayLiteral(elements):
            return [of(element) for element in elements if of(element) is not UNDEFINED]
        case ObjectLiteral(members):
            return {name: of(value) for name, value in members if of(value) is not UNDEFINED}
    raise TypeError(f"The reference does not know {tree!r}")
