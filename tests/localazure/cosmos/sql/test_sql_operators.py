"""Operators: the truth tables, undefined against null, types that do not mix, numbers as doubles."""

import pytest

from localazure.cosmos.sql import UNDEFINED
from tests.localazure.cosmos.sql.answers import answers, value

U = UNDEFINED
WORDS = {"true": True, "false": False, "undefined": U}
AND = [[True, False, U], [False, False, False], [U, False, U]]
OR = [[True, True, True], [True, False, U], [True, U, U]]


@pytest.mark.parametrize(("symbol", "table"), [("AND", AND), ("OR", OR)])
def test_logical_operators_know_three_values(symbol: str, table: list[list[object]]) -> None:
    found = [[value(f"({left} {symbol} {right})") for right in WORDS] for left in WORDS]
    assert found == table


@pytest.mark.parametrize(
    ("operand", "expected"), [("true", False), ("false", True), ("undefined", U), ("null", U), ("1", U)]
)
def test_not_negates_booleans_only(operand: str, expected: object) -> None:
    assert value(f"NOT {operand}") is expected


@pytest.mark.parametrize("operand", ["1", "'true'", "null", "[]", "{}", "c.absent"])
def test_only_true_passes_where(operand: str) -> None:
    assert answers(f"SELECT VALUE 1 FROM c WHERE {operand}") == []


KINDS = ["null", "true", "1", "'a'", "[1]", "{'a': 1}"]


@pytest.mark.parametrize("left", KINDS)
@pytest.mark.parametrize("right", KINDS)
def test_equality_is_false_across_types_and_deep_within_one(left: str, right: str) -> None:
    assert value(f"{left} = {right}") is (left == right)
    assert value(f"{left} != {right}") is (left != right)


@pytest.mark.parametrize("symbol", ["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "&", "|", "^", "||"])
def test_an_undefined_operand_makes_the_result_undefined(symbol: str) -> None:
    assert value(f"c.absent {symbol} 1") is U
    assert value(f"1 {symbol} c.absent") is U
    assert value(f"c.absent {symbol} c.absent") is U


@pytest.mark.parametrize("left", KINDS)
@pytest.mark.parametrize("right", KINDS)
@pytest.mark.parametrize("symbol", ["<", "<=", ">", ">="])
def test_order_exists_within_one_scalar_type_only(left: str, right: str, symbol: str) -> None:
    scalar = left == right and left[0] not in "[{"
    assert value(f"{left} {symbol} {right}") is (("=" in symbol) if scalar else U)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3 - 4 / 2", 5),
        ("7 / 2", 3.5),
        ("10 / 2", 5),
        ("1 / 0", U),
        ("0 / 0", U),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("5.5 % 2", 1.5),
        ("5 % 0", U),
        ("1e308 * 10", U),
        ("9007199254740991 + 2", 9007199254740992),
        ("'1' + 1", U),
        ("true + 1", U),
        ("-'a'", U),
        ("+5", 5),
        ("- (2 + 3)", -5),
        ("'a' || 'b' || 'c'", "abc"),
        ("'a' || 1", U),
        ("5 & 3", 1),
        ("5 | 3", 7),
        ("5 ^ 3", 6),
        ("~5", -6),
        ("1 << 31", -2147483648),
        ("-8 >> 1", -4),
        ("-1 >>> 0", 4294967295),
        ("100 >>> 0", 100),
        ("4294967297 & 1", 1),
        ("2.9 | 0", 2),
        ("-2.9 | 0", -2),
        ("1 = 1.0", True),
        ("true = 1", False),
        ("[true] = [1]", False),
        ("{'a': 1, 'b': [2]} = {'b': [2.0], 'a': 1}", True),
        ("[1, 2] = [2, 1]", False),
        ("9007199254740993 = 9007199254740992", True),
        ("'a' < 'B'", False),
        ("'\U0001f600' > '\uffff'", True),
        ("false < true", True),
        ("null <= null", True),
    ],
)
def test_arithmetic_and_comparison(expression: str, expected: object) -> None:
    found = value(expression)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("c.absent ?? 'x'", "x"),
        ("c.nothing ?? 'x'", None),
        ("c.absent ?? c.absent", U),
        ("c.yes ? 1 : 2", 1),
        ("c.absent ? 1 : 2", 2),
        ("c.nothing ? 1 : 2", 2),
        ("c.yes ? c.absent : 2", U),
        ("2 IN (1, 2)", True),
        ("2 NOT IN (1, 2)", False),
        ("'2' IN (1, 2)", False),
        ("c.absent IN (1, 2)", U),
        ("c.absent NOT IN (1, 2)", U),
        ("2 IN (c.absent, 2)", True),
        ("[1] IN ([1], [2])", True),
        ("2 BETWEEN 1 AND 2", True),
        ("2 NOT BETWEEN 1 AND 2", False),
        ("'b' BETWEEN 'a' AND 'c'", True),
        ("'b' BETWEEN 1 AND 2", U),
        ("'b' NOT BETWEEN 1 AND 2", U),
        ("c.absent BETWEEN 1 AND 2", U),
        ("'abc' LIKE 'a%'", True),
        ("'abc' LIKE 'A%'", False),
        ("'abc' LIKE '_b_'", True),
        ("'abc' LIKE 'b'", False),
        ("'abc' NOT LIKE '%z%'", True),
        ("'a.c' LIKE 'a.c'", True),
        ("'abc' LIKE 'a.c'", False),
        ("'abc' LIKE '[a-c]bc'", True),
        ("'abc' LIKE '[^a]bc'", False),
        ("'a^c' LIKE 'a[x^]c'", True),
        ("'50%' LIKE '50!%' ESCAPE '!'", True),
        ("'501' LIKE '50!%' ESCAPE '!'", False),
        ("'a%bc' LIKE 'a!%bc' ESCAPE '!'", True),
        ("'a%xc' LIKE 'a!%bc' ESCAPE '!'", False),
        ("'a\nb' LIKE 'a%b'", True),
        ("5 LIKE '5'", U),
        ("c.list[1]", "b"),
        ("c.list[2]", U),
        ("c.list[-1]", U),
        ("c.list['1']", U),
        ("c.list.length", U),
        ("c.nested.x.y", 1),
        ("c['nested']['x']['y']", 1),
        ("c.nested.absent.y", U),
        ("c.nothing.y", U),
        ("c[c.name]", True),
        ("c[@name]", None),
        ("[c.absent, 1]", [1]),
        ("{'a': c.absent, 'b': null}", {"b": None}),
    ],
)
def test_conditions_and_access(expression: str, expected: object) -> None:
    item = {"yes": True, "nothing": None, "list": ["a", "b"], "nested": {"x": {"y": 1}}, "name": "yes"}
    found = value(expression, item, name="nothing")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("symbol", ["=", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize("constant", ["b", 2, 2.5, True, None, 2**60, [1], {"a": 1}])
@pytest.mark.parametrize("found", ["a", "b", 1, 2, 2.5, True, False, None, 2**60 + 1, [1], {"a": 1}, U])
def test_a_comparison_with_a_constant_is_the_comparison_of_two_values(
    symbol: str, constant: object, found: object
) -> None:
    item = {"other": constant} if found is U else {"x": found, "other": constant}
    assert value(f"c.x {symbol} @constant", item, constant=constant) is value(f"c.x {symbol} c.other", item)


@pytest.mark.parametrize("needle", ["'a'", "1", "1.0", "true", "null", "[1]", "{'a': 1}", "c.absent"])
def test_membership_in_constants_is_membership_in_values(needle: str) -> None:
    item = {"one": "a", "two": 1, "three": [True], "four": {"a": 1}, "five": None}
    constants = [*item.values(), 2**60]
    listed = ", ".join(f"@p{number}" for number in range(len(constants)))
    values = {f"p{number}": constant for number, constant in enumerate(constants)}
    expected = value(f"{needle} IN (c.one, c.two, c.three, c.four, c.five)", item)
    assert value(f"{needle} IN ({listed})", item, **values) is expected
    assert value(f"ARRAY_CONTAINS(@all, {needle})", item, all=constants) is expected
    assert value(f"{needle} NOT IN ({listed})", item, **values) is (U if expected is U else not expected)
