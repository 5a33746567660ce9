"""Functions of strings, arrays and types: one line per fact of the reference pages."""

import pytest

from localazure.cosmos.sql import UNDEFINED, SqlError
from localazure.cosmos.sql.functions import FUNCTIONS
from tests.localazure.cosmos.sql.answers import answers, value

U = UNDEFINED

STRINGS = [
    ("CONCAT('a', 'b', 'c')", "abc"),
    ("CONCAT('a', 1)", U),
    ("CONTAINS('abc', 'BC')", False),
    ("CONTAINS('abc', 'BC', true)", True),
    ("CONTAINS('abc', '')", True),
    ("CONTAINS('abc', 1)", U),
    ("CONTAINS(c.absent, 'a')", U),
    ("STARTSWITH('abc', 'ab')", True),
    ("STARTSWITH('abc', 'AB', true)", True),
    ("STARTSWITH('abc', 'AB', false)", False),
    ("ENDSWITH('abc', 'bc')", True),
    ("ENDSWITH('abc', 'BC', true)", True),
    ("StringEquals('abc', 'ABC')", False),
    ("StringEquals('abc', 'ABC', true)", True),
    ("INDEX_OF('abcabc', 'c')", 2),
    ("INDEX_OF('abcabc', 'c', 3)", 5),
    ("INDEX_OF('abc', 'z')", -1),
    ("LEFT('abc', 2)", "ab"),
    ("LEFT('abc', 9)", "abc"),
    ("LEFT('abc', -1)", ""),
    ("RIGHT('abc', 2)", "bc"),
    ("RIGHT('abc', 9)", "abc"),
    ("RIGHT('abc', 0)", ""),
    ("LENGTH('abc')", 3),
    ("LENGTH(3)", U),
    ("LOWER('AbC')", "abc"),
    ("UPPER('AbC')", "ABC"),
    ("LTRIM('  a ')", "a "),
    ("RTRIM('  a ')", "  a"),
    ("TRIM('  a ')", "a"),
    ("TRIM('-_-Adventure-_-', '-_')", "Adventure"),
    ("TRIM('-- a --', '-')", " a "),
    ("REPLACE('a-b-c', '-', '+')", "a+b+c"),
    ("REPLACE('abc', '', 'x')", "abc"),
    ("REPLICATE('ab', 3)", "ababab"),
    ("REPLICATE('ab', -1)", U),
    ("REPLICATE('ab', 10000)", U),
    ("REVERSE('abc')", "cba"),
    ("SUBSTRING('abcdef', 1, 3)", "bcd"),
    ("SUBSTRING('abc', 9, 1)", ""),
    ("SUBSTRING('abc', 0, -1)", ""),
    ("RegexMatch('abcd', 'b.d')", True),
    ("RegexMatch('abcd', '^B')", False),
    ("RegexMatch('abcd', '^AB', 'i')", True),
    ("RegexMatch('abcd', 'a', 'q')", U),
    ("RegexMatch('abcd', '(?<first>a)b')", True),
    ("RegexMatch('abcd', '(?<=b)c')", True),
    ("StringJoin(['a', 'b'], '-')", "a-b"),
    ("StringJoin(['a', 1], '-')", U),
    ("StringSplit('a-b-c', '-')", ["a", "b", "c"]),
    ("StringSplit('abc', '')", ["abc"]),
]

CONVERSIONS = [
    ("StringToArray('[1, {\"a\": null}]')", [1, {"a": None}]),
    ("StringToArray('{}')", U),
    ("StringToArray('[1,]')", U),
    ("StringToArray('[NaN]')", U),
    ("StringToObject(' {\"a\": [1]} ')", {"a": [1]}),
    ("StringToObject('{a: 1}')", U),
    ("StringToObject(5)", U),
    ("StringToObject(c.state).amount", 500),
    ("StringToBoolean(' true ')", True),
    ("StringToBoolean('TRUE')", U),
    ("StringToNull('null')", None),
    ("StringToNull('nil')", U),
    ("StringToNumber('-1.5e2')", -150),
    ("StringToNumber(' 7 ')", 7),
    ("StringToNumber('0x1F')", U),
    ("StringToNumber('1.')", U),
    ("StringToNumber('NaN')", U),
    ("StringToNumber('')", U),
    ("ToString(1.0)", "1"),
    ("ToString(-0.25)", "-0.25"),
    ("ToString(123456789012345678901)", "123456789012345680000"),
    ("ToString(1e21)", "1e+21"),
    ("ToString(0.000001)", "0.000001"),
    ("ToString(0.00000015)", "1.5e-7"),
    ("ToString(true)", "true"),
    ("ToString(null)", "null"),
    ("ToString('a')", "a"),
    ("ToString([1, 'a', {\"b\": 2.5}])", '[1,"a",{"b":2.5}]'),
    ("ToString(c.absent)", U),
]

ARRAYS = [
    ("ARRAY_CONCAT([1], [2], [])", [1, 2]),
    ("ARRAY_CONCAT([1], 2)", U),
    ("ARRAY_CONTAINS(['a', 'b'], 'a')", True),
    ("ARRAY_CONTAINS([1, true], '1')", False),
    ("ARRAY_CONTAINS([{'a': 1, 'b': 2}], {'a': 1})", False),
    ("ARRAY_CONTAINS([{'a': 1, 'b': 2}], {'a': 1}, true)", True),
    ("ARRAY_CONTAINS([{'a': {'x': 1, 'y': 2}}], {'a': {'x': 1}}, true)", True),
    ("ARRAY_CONTAINS('abc', 'a')", U),
    ("ARRAY_CONTAINS(c.absent, 'a')", U),
    ("ARRAY_CONTAINS_ANY([1, 2], 2, 3)", True),
    ("ARRAY_CONTAINS_ANY([1, 2], 3)", False),
    ("ARRAY_CONTAINS_ALL([1, 2], 2, 1)", True),
    ("ARRAY_CONTAINS_ALL([1, 2], 2, 3)", False),
    ("ARRAY_LENGTH([1, 2])", 2),
    ("ARRAY_LENGTH('ab')", U),
    ("ARRAY_SLICE([1, 2, 3], 1)", [2, 3]),
    ("ARRAY_SLICE([1, 2, 3], 0, 2)", [1, 2]),
    ("ARRAY_SLICE([1, 2, 3], -2, 1)", [2]),
    ("ARRAY_SLICE([1, 2, 3], -9)", [1, 2, 3]),
    ("SetIntersect([1, 2, 2, 'a'], ['a', 2])", [2, "a"]),
    ("SetUnion([2, 1, 2], [3, 1])", [2, 1, 3]),
    ("SetDifference([1, 2, 3], [2])", [1, 3]),
    ("SetEqual([1, 2, 2], [2, 1])", True),
    ("SetEqual([1], 1)", U),
    ("ObjectToArray({'a': 1, 'b': 2})", [{"k": "a", "v": 1}, {"k": "b", "v": 2}]),
    ("ObjectToArray({'a': 1}, 'name', 'value')", [{"name": "a", "value": 1}]),
    ("CHOOSE(2, 'a', 'b')", "b"),
    ("CHOOSE(3, 'a', 'b')", U),
]

TYPES = [
    ("IS_DEFINED(c.state)", True),
    ("IS_DEFINED(c.absent)", False),
    ("IS_NULL(null)", True),
    ("IS_NULL(c.absent)", False),
    ("IS_STRING('')", True),
    ("IS_NUMBER(1.5)", True),
    ("IS_NUMBER(true)", False),
    ("IS_FINITE_NUMBER(1)", True),
    ("IS_INTEGER(2.0)", True),
    ("IS_INTEGER(2.5)", False),
    ("IS_INTEGER(9223372036854775808)", False),
    ("IS_INTEGER(-9223372036854775808)", True),
    ("IS_BOOL(false)", True),
    ("IS_BOOL(0)", False),
    ("IS_ARRAY([])", True),
    ("IS_OBJECT({})", True),
    ("IS_OBJECT([])", False),
    ("IS_PRIMITIVE(null)", True),
    ("IS_PRIMITIVE([])", False),
    ("IS_PRIMITIVE(c.absent)", False),
    ("IIF(true, 1, 2)", 1),
    ("IIF('true', 1, 2)", 2),
    ("IIF(c.absent, 1, 2)", 2),
]


@pytest.mark.parametrize(("expression", "expected"), [*STRINGS, *CONVERSIONS, *ARRAYS, *TYPES])
def test_functions(expression: str, expected: object) -> None:
    found = value(expression, {"id": "1", "state": '{"amount":500}'})
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("pattern", ["(", "[[:alpha:]]", "\\\\Ka", "(?R)"])
def test_a_regular_expression_that_cannot_be_followed_is_refused(pattern: str) -> None:
    with pytest.raises(SqlError, match="REGEXMATCH"):
        value(f"RegexMatch('abcd', '{pattern}')")


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"CHOOSE", "IIF"}))
def test_a_function_of_an_undefined_value_is_undefined_unless_it_checks_types(name: str) -> None:
    function = FUNCTIONS[name]
    if function.least:
        found = value(f"{name}({', '.join(['c.absent'] * function.least)})")
        assert found is (False if name.startswith("IS_") else U)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"CHOOSE", "IIF", "TOSTRING"}))
@pytest.mark.parametrize("wrong", ["null", "true", "'text'", "-1", "0.5", "[]", "{}", "1e308", "'2020-01-01'"])
def test_no_argument_makes_a_function_fail(name: str, wrong: str) -> None:
    function = FUNCTIONS[name]
    for count in range(function.least, min(function.most, 4) + 1):
        answers(f"SELECT {name}({', '.join([wrong] * count)}) AS x FROM c")
