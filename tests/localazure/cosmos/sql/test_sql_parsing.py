"""Text -> trees: words, literals, precedence, and what is refused with which words."""

import pytest

from localazure.cosmos.sql import Query, SqlError
from localazure.cosmos.sql.parser import MAX_CACHED_TEXT, parse
from localazure.cosmos.sql.tree import Binary, Conditional, Expression, In, Literal, Logical, Member, Name, Unary
from tests.localazure.cosmos.sql.answers import value

A, B, C = (Member(Name("c"), Literal(name)) for name in "abc")


def where(condition: str) -> Expression | None:
    return parse(f"SELECT * FROM c WHERE {condition}").where


@pytest.mark.parametrize(
    ("condition", "tree"),
    [
        ("c.a OR c.b AND c.c", Logical("OR", (A, Logical("AND", (B, C))))),
        ("c.a AND c.b AND c.c", Logical("AND", (A, B, C))),
        ("NOT c.a AND c.b", Logical("AND", (Unary("NOT", A), B))),
        ("NOT c.a = c.b", Binary("=", Unary("NOT", A), B)),
        ("c.a + c.b * c.c", Binary("+", A, Binary("*", B, C))),
        ("c.a - c.b - c.c", Binary("-", Binary("-", A, B), C)),
        ("c.a < c.b = c.c", Binary("=", Binary("<", A, B), C)),
        ("c.a || c.b = c.c", Binary("||", A, Binary("=", B, C))),
        ("c.a & c.b | c.c ^ c.a", Binary("|", Binary("&", A, B), Binary("^", C, A))),
        ("c.a << c.b + c.c", Binary("<<", A, Binary("+", B, C))),
        ("c.a <> c.b", Binary("!=", A, B)),
        ("c.a ? c.b : c.c ? c.a : c.b", Conditional(A, B, Conditional(C, A, B))),
        ("c.a ?? c.b ?? c.c", Binary("??", Binary("??", A, B), C)),
        ("c.a NOT IN (c.b, c.c) OR c.a", Logical("OR", (In(A, (B, C), True), A))),
        ('c["a"] = - 5', Binary("=", A, Literal(-5))),
        ("c.a - -5", Binary("-", A, Literal(-5))),
        ("(((c.a)))", A),
    ],
)
def test_operators_bind_as_in_the_published_grammar(condition: str, tree: Expression) -> None:
    assert where(condition) == tree


def test_keywords_and_functions_ignore_case_but_aliases_do_not() -> None:
    assert parse("select value Upper(C.a) from C") == parse("SELECT VALUE UPPER(C.a) FROM C")
    with pytest.raises(SqlError, match="Identifier 'C' could not be resolved; names in scope: c"):
        Query.parse("SELECT C.a FROM c")


def test_comments_are_white_space() -> None:
    text = "SELECT /* all\n of it */ VALUE -- the id\n c.id FROM c--end"
    assert parse(text) == parse("SELECT VALUE c.id FROM c")


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("1", 1),
        ("1.0", 1),
        (".5", 0.5),
        ("5.", 5),
        ("1e3", 1000),
        ("1.5E-1", 0.15),
        ("-7", -7),
        ("9007199254740993", 9007199254740992),
        ("'it\\'s'", "it's"),
        ('"say \\"hi\\""', 'say "hi"'),
        (r'"a\\b\/c\n\t\u00e9"', "a\\b/c\n\té"),
        (r'"\ud83d\ude00"', "😀"),
        ("'日本'", "日本"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("[1, 'a', [], {}]", [1, "a", [], {}]),
        ("{a: 1, 'b c': 2, \"order\": {}}", {"a": 1, "b c": 2, "order": {}}),
    ],
)
def test_literals(literal: str, expected: object) -> None:
    found = value(literal)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Syntax error near the end of the query: expected 'SELECT' at the start of a query (line 1, column 1)"),
        ("SELECT", "Syntax error near the end of the query: expected an expression (line 1, column 7)"),
        ("SELECT c.a,\n  FROM c", "Syntax error near 'FROM': it is a reserved word"),
        ("SELECT * FROM c WHERE c.a ==1", "Syntax error near '=1': expected an expression (line 1, column 28)"),
        ("SELECT * FROM c WHERE c.a = 'x", "A string that starts with ' is not closed (line 1, column 29)"),
        ("SELECT * /* FROM c", "A comment that starts with /* is not closed (line 1, column 10)"),
        ("SELECT * FROM c WHERE c.a = #", "Syntax error, unexpected character '#' (line 1, column 29)"),
        ("SELECT c.value FROM c", 'a property of this name is written ["value"] (line 1, column 10)'),
        ("SELECT c.a AS order FROM c", "Syntax error near 'order': it is a reserved word"),
        ("SELECT VALUE TRUE FROM c", "the constant is written true"),
        ("SELECT * FROM c GROUP c.a", "Syntax error near 'c.a': expected 'BY' after GROUP"),
        ("SELECT * FROM c OFFSET 1", "expected 'LIMIT' after OFFSET"),
        ("SELECT TOP 1.5 * FROM c", "TOP takes a whole number or a parameter"),
        ("SELECT TOP 1 * FROM c OFFSET 0 LIMIT 1", "TOP and OFFSET LIMIT cannot be used in one query"),
        ("SELECT VALUE * FROM c", "SELECT VALUE * is not valid"),
        ("SELECT *, c.a FROM c", "Syntax error near ',': the query should end here"),
        ("SELECT * FROM c WHERE c.a IN ()", "the list after IN is empty"),
        ("SELECT * FROM c WHERE c.a LIKE 'a' ESCAPE '!!'", "ESCAPE takes a string of one character"),
        ("SELECT VALUE EXISTS(1) FROM c", "EXISTS takes a subquery"),
        ("SELECT VALUE '\\q' FROM c", "Unknown escape '\\q' in a string"),
        ("SELECT VALUE 12ab FROM c", "The number '12' runs into 'a' (line 1, column 14)"),
        ("SELECT VALUE 1e999 FROM c", "The number 1e999 is beyond the range of a double"),
        (f"SELECT VALUE {'9' * 400} FROM c", "is beyond the range of a double"),
        ("SELECT * FROM c JOIN c IN c.items", "The alias 'c' is used twice in FROM (line 1, column 22)"),
        ("SELECT 1 FROM c" + " JOIN x IN c.y" * 11, "More than 10 JOINs in one query"),
        ("SELECT VALUE " + "(" * 5000 + "1" + ")" * 5000, "The query is nested too deeply"),
        ("SELECT '" + "x" * 600_000 + "'", "The query text is longer than 524288 characters"),
    ],
)
def test_a_text_that_is_no_query_is_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(SqlError) as refusal:
        Query.parse(text)
    assert message in refusal.value.message
    assert refusal.value.code == "BadRequest"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT udf.tax(c.a) FROM c", "User-defined functions (udf.…) are not supported"),
        ("SELECT VALUE FIRST(SELECT VALUE t FROM t IN c.a) FROM c", "FIRST(SELECT …) is not supported"),
        ("SELECT * FROM c WHERE c.a = SELECT VALUE 1", "a subquery stands in parentheses of its own, (SELECT …)"),
        ("SELECT ST_DISTANCE(c.a, c.b) FROM c", "The spatial function ST_DISTANCE is not supported"),
        ("SELECT * FROM c ORDER BY VectorDistance(c.v, [1])", "The vector search function VECTORDISTANCE"),
        ("SELECT * FROM c WHERE FullTextContains(c.t, 'x')", "The full-text search function FULLTEXTCONTAINS"),
        ("SELECT * FROM c ORDER BY RANK FullTextScore(c.t, 'x')", "ORDER BY RANK (full-text and hybrid search)"),
        ("SELECT NOSUCH(c.a) FROM c", "The function NOSUCH is not supported (line 1, column 8)"),
        ("SELECT LOWER() FROM c", "The LOWER function takes 1 argument, not 0 (line 1, column 8)"),
        ("SELECT LEFT('a') FROM c", "The LEFT function takes 2 arguments, not 1 (line 1, column 8)"),
        ("SELECT TRIM() FROM c", "The TRIM function takes 1 to 2 arguments, not 0"),
        ("SELECT * FROM c WHERE c.a = @a", "The parameter @a has no value; add it to the parameters"),
        ("SELECT * FROM c WHERE COUNT(1) > 1", "The aggregate COUNT is only valid in the SELECT list"),
        ("SELECT SUM(COUNT(1)) FROM c", "The aggregate COUNT is only valid in the SELECT list"),
        ("SELECT SUM(c.a, c.b) FROM c", "The aggregate SUM takes one argument"),
        ("SELECT c.a, COUNT(1) FROM c", "'c' in the SELECT list is neither in an aggregate nor in GROUP BY"),
        ("SELECT COUNT(1), (SELECT VALUE c.a) AS a FROM c", "'c' in the SELECT list is neither in an aggregate nor"),
        ("SELECT COUNT(1), (SELECT VALUE t FROM t IN c.a) AS a FROM c", "'c' in the SELECT list is neither in"),
        ("SELECT COUNT(1), EXISTS(SELECT 1 FROM (SELECT VALUE c.a) AS t WHERE t = 1) AS a FROM c", "'c' in the SELECT"),
        ("SELECT * FROM c GROUP BY c.a", "SELECT * cannot be used with GROUP BY"),
        ("SELECT c.a FROM c GROUP BY c.a ORDER BY c.a", "ORDER BY is not supported together with GROUP BY"),
        ("SELECT c.a, c.b.a FROM c", "The SELECT list has two columns named 'a'"),
        ("SELECT * FROM c JOIN x IN c.y", "SELECT * is only valid with a single member in FROM"),
        ("SELECT *", "SELECT * is only valid with a single member in FROM"),
        ("SELECT c.a", "Identifier 'c' could not be resolved; names in scope: none, as there is no FROM"),
        ("SELECT VALUE (SELECT VALUE 1 FROM d) FROM c", "Identifier 'd' could not be resolved"),
        ("SELECT * FROM c ORDER BY LOWER(c.a)", "ORDER BY only sorts by property paths"),
        ("SELECT * FROM c ORDER BY c", "ORDER BY only sorts by property paths"),
        ("SELECT VALUE x FROM c JOIN x IN c.y ORDER BY c.a", "ORDER BY needs FROM with the container alone"),
        ("SELECT TOP @n * FROM c", "The parameter @n has no value"),
    ],
)
def test_what_is_not_supported_is_named(text: str, message: str) -> None:
    with pytest.raises(SqlError) as refusal:
        Query.parse(text)
    assert message in refusal.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT * FROM c UNION SELECT * FROM c", "UNION is not supported; send two queries (line 1, column 17)"),
        ("SELECT * FROM c WHERE c.a = 1 union all SELECT * FROM c", "UNION ALL is not supported"),
        ("SELECT * FROM c ORDER BY c.a UNION SELECT * FROM c", "UNION is not supported"),
        ("SELECT VALUE t FROM (SELECT VALUE 1 UNION SELECT VALUE 2) t", "UNION is not supported"),
        ("SELECT * FROM c WHERE EXISTS(SELECT 1 UNION SELECT 2)", "UNION is not supported"),
        ("SELECT c.a FROM c AS c EXCEPT SELECT c.a FROM c", "EXCEPT is not supported"),
        ("SELECT c.a FROM c INTERSECT SELECT c.a FROM c", "INTERSECT is not supported"),
        ("SELECT CASE WHEN c.a = 1 THEN 2 ELSE 3 END FROM c", "CASE is not supported; write test ? then : otherwise"),
        ("SELECT CASE c.a WHEN 1 THEN 2 END FROM c", "CASE is not supported"),
        ("SELECT * FROM c WHERE CASE WHEN true THEN true END", "CASE is not supported"),
        ("SELECT CASE -c.a WHEN 1 THEN 2 END FROM c", "CASE … WHEN is not supported"),
        ("SELECT c.a FROM c GROUP BY c.a HAVING COUNT(1) > 1", "HAVING is not supported; group in a subquery"),
        ("SELECT * FROM c HAVING c.a", "HAVING is not supported"),
        ("SELECT c.a FROM c GROUP BY ROLLUP(c.a)", "ROLLUP(…) is not supported"),
        ("SELECT c.a FROM c GROUP BY GROUPING SETS ((c.a))", "GROUPING SETS is not supported"),
        ("SELECT c.id FROM c LEFT JOIN x IN c.y", "LEFT JOIN is not supported; JOIN alias IN path iterates an array"),
        ("SELECT c.id FROM c LEFT OUTER JOIN x IN c.y", "LEFT OUTER JOIN is not supported"),
        ("SELECT c.id FROM c RIGHT JOIN x IN c.y", "RIGHT JOIN is not supported"),
        ("SELECT c.id FROM c FULL OUTER JOIN x IN c.y", "FULL OUTER JOIN is not supported"),
        ("SELECT c.id FROM c INNER JOIN x IN c.y", "INNER JOIN is not supported"),
        ("SELECT c.id FROM c CROSS JOIN x IN c.y", "CROSS JOIN is not supported"),
        ("SELECT c.id FROM c CROSS APPLY c.y", "CROSS APPLY is not supported"),
        ("SELECT c.id FROM c JOIN d ON c.a = d.a", "JOIN … ON is not supported"),
        ("SELECT c.id FROM c JOIN x IN c.y ON x.a = c.a", "JOIN … ON is not supported"),
        ("SELECT c.id FROM c JOIN d USING (a)", "JOIN … USING is not supported"),
        ("SELECT c.id FROM c, d", "A comma in FROM is not supported"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "WITH is not supported; a query begins with SELECT"),
        ("DELETE FROM c WHERE c.a = 1", "DELETE is not supported; a query begins with SELECT"),
        ("SELECT * FROM c WHERE c.a IN (SELECT VALUE 1)", "IN (SELECT …) is not supported; write ARRAY_CONTAINS"),
        ("SELECT * FROM c WHERE c.a > ANY(SELECT VALUE 1)", "ANY(SELECT …) is not supported"),
        ("SELECT * FROM c WHERE c.a > ALL(SELECT VALUE 1)", "ALL(SELECT …) is not supported"),
        ("SELECT ALL c.a FROM c", "ALL is not supported"),
        ("SELECT COUNT(*) FROM c", "COUNT(*) is not supported; write COUNT(1)"),
        (
            "SELECT COUNT(DISTINCT c.a) FROM c",
            "COUNT(DISTINCT) is not supported; SELECT DISTINCT in a subquery in FROM",
        ),
        ("SELECT SUM(c.a) OVER (ORDER BY c.b) FROM c", "A window function (OVER …) is not supported"),
        ("SELECT CAST(c.a AS int) FROM c", "CAST(…) is not supported"),
        ("SELECT * FROM c WHERE c.a IS NULL", "IS NULL is not supported; write IS_NULL(…)"),
        ("SELECT * FROM c WHERE c.a IS NOT NULL", "IS NOT NULL is not supported"),
        ("SELECT * FROM c WHERE c.a ILIKE 'x'", "ILIKE is not supported; write LIKE"),
        ("SELECT * FROM c LIMIT 10", "LIMIT without OFFSET is not supported; write OFFSET 0 LIMIT"),
        ("SELECT * FROM c ORDER BY c.a LIMIT 10", "LIMIT without OFFSET is not supported"),
        ("SELECT * FROM c ORDER BY c.a NULLS FIRST", "NULLS FIRST or LAST is not supported"),
        ("SELECT * FROM c OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY", "OFFSET … ROWS is not supported"),
    ],
)
def test_a_construct_of_another_dialect_is_named(text: str, message: str) -> None:
    with pytest.raises(SqlError) as refusal:
        Query.parse(text)
    assert message in refusal.value.message


@pytest.mark.parametrize(
    "text",
    [
        "SELECT VALUE case.a FROM case",
        "SELECT VALUE all FROM c JOIN all IN c.list",
        "SELECT VALUE union.a FROM c AS union",
        "SELECT VALUE having.a FROM c having WHERE having.a = 1",
        "SELECT VALUE window.a FROM c window ORDER BY window.a",
        "SELECT VALUE t FROM (SELECT VALUE with.a FROM c with) t",
        'SELECT VALUE c.case ?? c.union ?? c.is ?? c["left"] ?? c.a FROM c',
    ],
)
def test_a_word_of_another_dialect_is_still_a_name(text: str) -> None:
    assert list(Query.parse(text).evaluate([{"id": "1", "a": 1, "list": [1]}])) == [1]


def test_what_is_to_be_written_instead_works() -> None:
    items = [{"id": str(n), "a": a, "b": None, "list": [2, 3]} for n, a in enumerate([1, 1, 2])]

    def answer(text: str) -> list[object]:
        return list(Query.parse(text).evaluate(items))

    groups = "SELECT c.a, COUNT(1) AS n FROM c GROUP BY c.a"
    assert answer(f"SELECT VALUE g.a FROM ({groups}) AS g WHERE g.n > 1") == [1]
    assert answer("SELECT VALUE COUNT(1) FROM (SELECT DISTINCT c.a FROM c)") == [2]
    assert answer("SELECT VALUE c.a = 2 ? 'two' : 'one' FROM c") == ["one", "one", "two"]
    assert answer("SELECT VALUE c.a FROM c OFFSET 0 LIMIT 1") == [1]
    assert answer("SELECT VALUE c.id FROM c WHERE ARRAY_CONTAINS(ARRAY(SELECT VALUE x FROM x IN c.list), c.a)") == ["2"]
    assert answer("SELECT VALUE c.id FROM c WHERE IS_NULL(c.b) AND NOT IS_NULL(c.a)") == ["0", "1", "2"]


def test_top_takes_only_whole_numbers_from_parameters() -> None:
    with pytest.raises(SqlError, match=r"TOP takes a whole number that is not negative, not 1\.5"):
        Query.parse("SELECT TOP @n * FROM c", [{"name": "@n", "value": 1.5}])


def test_a_parameter_without_a_name_is_refused() -> None:
    with pytest.raises(SqlError, match="Every parameter of a query needs a name and a value"):
        Query.parse("SELECT * FROM c", [{"value": 1}])


def test_the_tree_of_a_text_is_kept_unless_the_text_is_long() -> None:
    text = "SELECT * FROM c WHERE c.once = @a"
    assert parse(text) is parse(text)
    long = text + " -- " + "x" * MAX_CACHED_TEXT
    assert parse(long) == parse(text)
    assert parse(long) is not parse(long)
