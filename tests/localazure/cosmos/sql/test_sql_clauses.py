"""Whole queries over a few items."""

from collections.abc import Iterator
from typing import Any

import pytest

from localazure.cosmos.sql import Query, SqlError
from tests.localazure.cosmos.sql.answers import answers

ITEMS: list[dict[str, Any]] = [
    {"id": "a", "n": 3, "pk": "x", "tags": ["red", "blue"], "o": {"k": 1}},
    {"id": "b", "n": 1, "pk": "y", "tags": [], "o": {"k": 2}},
    {"id": "c", "n": 2, "pk": "x", "tags": ["red"], "note": None},
    {"id": "d", "pk": "y", "n": 2, "tags": "none", "lines": [{"q": 1, "p": [1, 2]}, {"q": 5, "p": [3]}]},
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM c WHERE c.id = 'a'", [ITEMS[0]]),
        ("SELECT VALUE c FROM root c WHERE c.id = 'a'", [ITEMS[0]]),
        ("SELECT c FROM c WHERE c.id = 'b'", [{"c": ITEMS[1]}]),
        ("SELECT c.id, c.o.k, c.tags[0], c.n + 1, 'x' AS y FROM c WHERE c.n = 3", [
            {"id": "a", "k": 1, "$1": "red", "$2": 4, "y": "x"}]),
        ("SELECT c.absent, c.note FROM c WHERE c.pk = 'x'", [{}, {"note": None}]),
        ("SELECT VALUE c.note FROM c", [None]),
        ("SELECT VALUE c.id FROM c WHERE c.o.k IN (1, 2)", ["a", "b"]),
        ("SELECT VALUE k FROM k IN c.tags", ["red", "blue", "red"]),
        ("SELECT VALUE o.k FROM c.o", [1, 2]),
        ("SELECT * FROM c.o", [{"k": 1}, {"k": 2}]),
        ("SELECT c.id, t FROM c JOIN t IN c.tags", [
            {"id": "a", "t": "red"}, {"id": "a", "t": "blue"}, {"id": "c", "t": "red"}]),
        ("SELECT VALUE p FROM c JOIN l IN c.lines JOIN p IN l.p WHERE l.q > 1 OR p = 2", [2, 3]),
        ("SELECT VALUE {'id': c.id, 't': t} FROM c JOIN (SELECT VALUE t FROM t IN c.tags WHERE t = 'red') AS t", [
            {"id": "a", "t": "red"}, {"id": "c", "t": "red"}]),
        ("SELECT VALUE t FROM c JOIN t IN (SELECT VALUE c.tags) WHERE c.id = 'a'", ["red", "blue"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.n", ["b", "c", "d", "a"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.n DESC, c.id DESC", ["a", "d", "c", "b"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.pk DESC, c.n ASC", ["b", "d", "c", "a"]),
        ("SELECT TOP 2 VALUE c.id FROM c", ["a", "b"]),
        ("SELECT TOP 0 * FROM c", []),
        ("SELECT TOP @top VALUE c.id FROM c ORDER BY c.n", ["b"]),
        ("SELECT VALUE c.id FROM c OFFSET 1 LIMIT 2", ["b", "c"]),
        ("SELECT VALUE c.id FROM c ORDER BY c.n OFFSET @top LIMIT @top", ["c"]),
        ("SELECT VALUE c.id FROM c OFFSET 9 LIMIT 2", []),
        ("SELECT DISTINCT VALUE c.pk FROM c", ["x", "y"]),
        ("SELECT DISTINCT c.pk, c.n FROM c WHERE c.n < 3", [
            {"pk": "y", "n": 1}, {"pk": "x", "n": 2}, {"pk": "y", "n": 2}]),
        ("SELECT DISTINCT VALUE c.pk FROM c ORDER BY c.n DESC", ["x", "y"]),
        ("SELECT DISTINCT VALUE c.pk FROM c ORDER BY c.n OFFSET 1 LIMIT 1", ["x"]),
        ("SELECT DISTINCT TOP 1 VALUE c.pk FROM c", ["x"]),
        ("SELECT 1", [{"$1": 1}]),
        ("SELECT VALUE 1 + 1", [2]),
        ("SELECT VALUE COUNT(1) FROM c", [4]),
        ("SELECT VALUE COUNT(c.o) FROM c", [2]),
        ("SELECT VALUE COUNTIF(c.n > 1) FROM c", [3]),
        ("SELECT COUNT(1), SUM(c.n) AS total FROM c", [{"$1": 4, "total": 8}]),
        ("SELECT VALUE AVG(c.n) FROM c", [2]),
        ("SELECT VALUE {'low': MIN(c.n), 'high': MAX(c.n)} FROM c", [{"low": 1, "high": 3}]),
        ("SELECT VALUE COUNT(1) + SUM(c.n) FROM c", [12]),
        ("SELECT VALUE MAX(c.id) FROM c WHERE c.n = 2", ["d"]),
        ("SELECT VALUE COUNT(1) FROM c WHERE false", [0]),
        ("SELECT VALUE SUM(c.n) FROM c WHERE false", [0]),
        ("SELECT VALUE MAX(c.n) FROM c WHERE false", []),
        ("SELECT MAX(c.n) AS m FROM c WHERE false", [{}]),
        ("SELECT VALUE [{'item': MAX(c.n)}] FROM c WHERE false", [[{}]]),
        ("SELECT VALUE SUM(c.n) FROM c ORDER BY c.n", [8]),
        ("SELECT TOP 5 VALUE COUNT(1) FROM c", [4]),
        ("SELECT c.pk, COUNT(1) AS n FROM c GROUP BY c.pk", [{"pk": "x", "n": 2}, {"pk": "y", "n": 2}]),
        ("SELECT UPPER(c.pk) AS k, MAX(c.n) AS m FROM c GROUP BY UPPER(c.pk)", [
            {"k": "X", "m": 3}, {"k": "Y", "m": 2}]),
        ("SELECT VALUE c.o.k FROM c GROUP BY c.o.k", [1, 2]),
        ("SELECT c.o.k, COUNT(1) AS n FROM c GROUP BY c.o.k", [{"k": 1, "n": 1}, {"k": 2, "n": 1}, {"n": 2}]),
        ("SELECT COUNT(1) AS n FROM c GROUP BY c.pk OFFSET 1 LIMIT 1", [{"n": 2}]),
        ("SELECT VALUE COUNT(1) FROM c WHERE c.n > 100 GROUP BY c.pk", []),
        ("SELECT VALUE COUNT(1) FROM (SELECT DISTINCT VALUE c.pk FROM c)", [2]),
        ("SELECT VALUE t.n FROM (SELECT c.n FROM c WHERE c.pk = 'x') AS t", [3, 2]),
        ("SELECT VALUE AVG(t.n) FROM (SELECT COUNT(1) AS n FROM c GROUP BY c.pk) AS t", [2]),
        ("SELECT VALUE c.id FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 'blue')", ["a"]),
        ("SELECT VALUE c.id FROM c WHERE NOT EXISTS(SELECT VALUE t FROM t IN c.tags)", ["b", "d"]),
        ("SELECT VALUE EXISTS(SELECT VALUE c.absent) FROM c WHERE c.id = 'a'", [False]),
        ("SELECT VALUE EXISTS(SELECT c.absent) FROM c WHERE c.id = 'a'", [True]),
        ("SELECT VALUE ARRAY(SELECT VALUE UPPER(t) FROM t IN c.tags) FROM c WHERE c.n > 1", [
            ["RED", "BLUE"], ["RED"], []]),
        ("SELECT c.id, (SELECT VALUE COUNT(1) FROM t IN c.tags) AS tags FROM c", [
            {"id": "a", "tags": 2}, {"id": "b", "tags": 0}, {"id": "c", "tags": 1}, {"id": "d", "tags": 0}]),
        ("SELECT VALUE (SELECT VALUE SUM(l.q) FROM l IN c.lines WHERE l.q < c.n + 10) FROM c WHERE c.id = 'd'", [6]),
        ("SELECT VALUE ARRAY(SELECT VALUE ARRAY(SELECT VALUE p * l.q FROM p IN l.p) FROM l IN c.lines) FROM c", [
            [], [], [], [[1, 2], [15]]]),
        ("SELECT VALUE (SELECT VALUE c.n) FROM c WHERE c.id = 'a'", [3]),
        ("SELECT VALUE (SELECT TOP 1 VALUE t FROM t IN c.tags) FROM c", ["red", "red"]),
        ("SELECT MAX(c.n) AS m, (SELECT VALUE 1 + 1) AS two FROM c", [{"m": 3, "two": 2}]),
        ("SELECT COUNT(1) AS n, ARRAY(SELECT VALUE t FROM t IN (SELECT VALUE [1, 2])) AS a FROM c", [
            {"n": 4, "a": [1, 2]}]),
    ],
)  # fmt: skip
def test_queries(text: str, expected: list[Any]) -> None:
    assert answers(text, ITEMS, top=1) == expected


def test_order_by_puts_types_in_order_and_absent_values_first() -> None:
    values: list[Any] = [{"a": 1}, [1], "b", "a", 2, 1.5, True, False, None]
    items: list[dict[str, Any]] = [*({"v": value} for value in values), {}]
    ordered = answers("SELECT * FROM c ORDER BY c.v", items)
    assert [item.get("v", "absent") for item in ordered] == [
        "absent", None, False, True, 1.5, 2, "a", "b", [1], {"a": 1}
    ]  # fmt: skip
    assert answers("SELECT * FROM c ORDER BY c.v DESC", items) == ordered[::-1]


def test_distinct_knows_numbers_from_booleans_and_not_the_order_of_members() -> None:
    values = [1, 1.0, True, "1", {"a": 1, "b": 2}, {"b": 2, "a": 1}, [1, 2], [2, 1], None]
    distinct = answers("SELECT DISTINCT VALUE c.v FROM c", [{"v": value} for value in values])
    assert [repr(value) for value in distinct] == [
        "1", "True", "'1'", "{'a': 1, 'b': 2}", "[1, 2]", "[2, 1]", "None"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "total", "mean", "least", "most"),
    [
        ([1, 2, 6], [9], [3], [1], [6]),
        ([0.1, 0.2], [0.30000000000000004], [0.15000000000000002], [0.1], [0.2]),
        ([1, "a", True, None], [], [], [None], ["a"]),
        ([1, [2]], [], [], [], []),
        ([{}, 1], [], [], [], []),
        ([], [0], [], [], []),
    ],
)
def test_aggregates_over_mixed_values(values: list[Any], total: Any, mean: Any, least: Any, most: Any) -> None:
    items: list[dict[str, Any]] = [{}, *({"v": value} for value in values)]
    found = [answers(f"SELECT VALUE {name}(c.v) FROM c", items) for name in ("SUM", "AVG", "MIN", "MAX")]
    assert found == [total, mean, least, most]
    assert answers("SELECT VALUE COUNT(c.v) FROM c", items) == [len(values)]


def test_a_scalar_subquery_with_two_rows_is_an_error() -> None:
    with pytest.raises(SqlError, match="A scalar subquery gave more than one row"):
        answers("SELECT VALUE (SELECT VALUE t FROM t IN c.tags) FROM c", ITEMS)


def test_top_reads_no_more_items_than_it_needs() -> None:
    read: list[int] = []

    def items() -> Iterator[dict[str, Any]]:
        for number in range(100):
            read.append(number)
            yield {"n": number}

    assert list(Query.parse("SELECT TOP 3 VALUE c.n FROM c WHERE c.n >= 10").evaluate(items())) == [10, 11, 12]
    assert len(read) == 13


@pytest.mark.parametrize(
    ("text", "streams", "needs_plan"),
    [
        ("SELECT * FROM c WHERE c.a = 1", True, False),
        ("SELECT VALUE t FROM c JOIN t IN c.tags", True, False),
        ("SELECT VALUE (SELECT VALUE COUNT(1) FROM t IN c.tags) FROM c", True, False),
        ("SELECT * FROM c ORDER BY c.a", False, True),
        ("SELECT DISTINCT c.a FROM c", False, True),
        ("SELECT TOP 1 * FROM c", False, True),
        ("SELECT * FROM c OFFSET 0 LIMIT 1", False, True),
        ("SELECT COUNT(1) FROM c", False, True),
        ("SELECT c.a FROM c GROUP BY c.a", False, True),
        ("SELECT * FROM (SELECT c.a FROM c) AS t", False, True),
        ("SELECT 1", False, False),
    ],
)
def test_a_query_streams_when_every_item_stands_alone(text: str, streams: bool, needs_plan: bool) -> None:
    query = Query.parse(text)
    assert (query.streams, query.needs_plan) == (streams, needs_plan)


def test_rows_of_single_items_are_the_rows_of_the_query() -> None:
    query = Query.parse("SELECT c.id, t FROM c JOIN t IN c.tags WHERE t != 'blue'")
    assert [row for item in ITEMS for row in query.rows(item)] == list(query.evaluate(ITEMS))


def test_select_star_gives_the_very_item() -> None:
    assert next(iter(Query.parse("SELECT * FROM c").rows(ITEMS[0]))) is ITEMS[0]


def test_order_by_paths_are_those_of_an_indexing_policy() -> None:
    query = Query.parse("SELECT * FROM c ORDER BY c.a.b DESC, c['x y']")
    assert query.order_by == (("/a/b", True), ("/x y", False))


def test_computed_properties_are_seen_where_they_are_named() -> None:
    definitions = {"lower": "SELECT VALUE LOWER(r.name) FROM r", "size": "SELECT VALUE ARRAY_LENGTH(i.tags) FROM i"}
    items = [{"id": "1", "name": "ANNA", "tags": [1]}, {"id": "2", "name": "Bob", "tags": []}, {"id": "3"}]

    def run(text: str) -> list[Any]:
        return list(Query.parse(text, definitions=definitions).evaluate(items))

    assert run("SELECT * FROM c WHERE c.lower = 'bob'") == [items[1]]
    assert run("SELECT c.lower, c.size FROM c") == [{"lower": "anna", "size": 1}, {"lower": "bob", "size": 0}, {}]
    assert run("SELECT VALUE c.id FROM c ORDER BY c.lower DESC") == ["2", "1", "3"]
    assert run("SELECT VALUE (SELECT VALUE c.lower) FROM c WHERE c.size > 0") == ["anna"]
    assert answers("SELECT * FROM c WHERE c.lower = 'bob'", items) == []


@pytest.mark.parametrize(
    "definition",
    [
        "SELECT c.a FROM c",
        "SELECT VALUE c.a FROM c WHERE c.b",
        "SELECT VALUE COUNT(1) FROM c",
        "SELECT VALUE t FROM t IN c.a",
    ],
)
def test_a_computed_property_is_one_value_of_one_item(definition: str) -> None:
    with pytest.raises(SqlError, match="The computed property 'x' must have the form SELECT VALUE <expression> FROM c"):
        Query.parse("SELECT c.x FROM c", definitions={"x": definition})
