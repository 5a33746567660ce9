"""Query plans: what they say, and that the SDK makes the right answer of them."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosHttpResponseError
from hypothesis import given, settings
from hypothesis import strategies as st

from localazure.cosmos.sql import Query, SqlError
from localazure.cosmos.sql.plan import FILTER
from tests.localazure.cosmos.sql.answers import answers, parameters
from tests.localazure.cosmos.sql.partitions import Items, merged


def info(text: str, **values: Any) -> dict[str, Any]:
    found: dict[str, Any] = Query.parse(text, parameters(values)).plan()["queryInfo"]
    return found


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("SELECT TOP @n * FROM c", "SELECT TOP 7 * FROM c"),
        ("SELECT * FROM c OFFSET 5 LIMIT @n", "SELECT * FROM c OFFSET 0 LIMIT 12"),
        ("SELECT DISTINCT c.a FROM c", "SELECT DISTINCT c.a FROM c"),
        (
            "select * from root r order by r.a",
            f'SELECT r._rid, [{{"item": r.a}}] AS orderByItems, r AS payload FROM root AS r '
            f"WHERE ({FILTER}) ORDER BY r.a ASC",
        ),
        (
            "SELECT TOP 3 c.id, c.n + 1 FROM c WHERE c.x = @n OR c.y ORDER BY c.a DESC, c['b c']",
            'SELECT TOP 3 c._rid, [{"item": c.a}, {"item": c["b c"]}] AS orderByItems, {"id": c.id, "$1": c.n + 1} '
            f'AS payload FROM c WHERE ((c.x = @n) OR c.y) AND ({FILTER}) ORDER BY c.a DESC, c["b c"] ASC',
        ),
        (
            "SELECT VALUE c.v FROM c ORDER BY c.a OFFSET 1 LIMIT 2",
            'SELECT c._rid, [{"item": c.a}] AS orderByItems, c.v AS payload FROM c '
            f"WHERE IS_DEFINED(c.v) AND ({FILTER}) ORDER BY c.a ASC OFFSET 0 LIMIT 3",
        ),
        ("SELECT TOP 1 VALUE COUNT(1) FROM c WHERE c.a = 1", 'SELECT VALUE [{"item": COUNT(1)}] FROM c WHERE c.a = 1'),
        (
            "SELECT VALUE MAX(c.a) FROM c ORDER BY c.b",
            'SELECT VALUE [{"item": MAX(c.a), "item2": {"max": MAX(c.a), "count": COUNT(c.a)}}] FROM c',
        ),
        ("SELECT VALUE AVG(c.a) FROM c", 'SELECT VALUE [{"item": {"sum": SUM(c.a), "count": COUNT(c.a)}}] FROM c'),
        (
            "SELECT c.a, COUNT(1) AS n FROM c GROUP BY c.a",
            'SELECT [{"item": c.a}] AS groupByItems, {"a": c.a, "n": {"item": COUNT(1)}} AS payload '
            "FROM c GROUP BY c.a",
        ),
        (
            "SELECT VALUE SUM(c.n) FROM c GROUP BY c.a, c.b",
            'SELECT [{"item": c.a}, {"item": c.b}] AS groupByItems, [{"item": SUM(c.n)}] AS payload '
            "FROM c GROUP BY c.a, c.b",
        ),
    ],
)
def test_the_rewritten_query(text: str, rewritten: str) -> None:
    found = info(text, n=7)["rewrittenQuery"]
    assert found == rewritten
    Query.parse(found.replace(FILTER, "true"), parameters({"n": 7}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Select top 10 value count(c.id) from c", {
            "top": 10, "aggregates": ["Count"], "orderBy": [], "hasSelectValue": True}),
        ("Select * from c order by c._ts offset 5 limit 10", {
            "offset": 5, "limit": 10, "top": None, "orderBy": ["Ascending"], "orderByExpressions": ["c._ts"],
            "hasSelectValue": False, "distinctType": "None", "aggregates": [], "hasNonStreamingOrderBy": False}),
        ("Select distinct value c.id from c order by c.id", {"distinctType": "Ordered", "orderBy": ["Ascending"]}),
        ("SELECT DISTINCT c.a FROM c ORDER BY c.b DESC", {"distinctType": "Unordered", "orderBy": ["Descending"]}),
        ("SELECT DISTINCT c.a FROM c", {"distinctType": "Unordered", "orderBy": []}),
        ("SELECT VALUE AVG(c.a) FROM c ORDER BY c.a", {"aggregates": ["Average"], "orderBy": []}),
        ("SELECT COUNT(1) AS n, SUM(c.a) FROM c", {
            "aggregates": ["Count", "Sum"], "groupByAliasToAggregateType": {"n": "Count", "$1": "Sum"}}),
        ("SELECT c.a, MIN(c.b) AS m FROM c GROUP BY c.a", {
            "groupByExpressions": ["c.a"], "groupByAliases": ["a", "m"], "aggregates": [],
            "groupByAliasToAggregateType": {"a": None, "m": "Min"}}),
    ],
)  # fmt: skip
def test_the_plan_tells_the_client_how_to_merge(text: str, expected: dict[str, Any]) -> None:
    found = info(text)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("text", ["SELECT VALUE COUNT(1) + 5 FROM c", "SELECT COUNT(1) + SUM(c.a) FROM c"])
def test_an_expression_of_aggregates_has_no_plan(text: str) -> None:
    with pytest.raises(SqlError, match="an aggregate inside another expression is not supported across partitions"):
        info(text)


def test_strings_of_the_query_stay_as_they_are() -> None:
    found = info("SELECT VALUE c.a FROM c WHERE c.b IN ('\u0000', '__filter__', '\"') ORDER BY c.a")["rewrittenQuery"]
    assert found.count(FILTER) == 1
    assert answers(found.replace(FILTER, "true"), [{"a": 1, "b": "__filter__"}, {"a": 2, "b": "x"}])[0]["payload"] == 1


def test_a_subquery_in_from_has_no_plan() -> None:
    with pytest.raises(SqlError, match="A subquery in FROM is not supported across partitions"):
        info("SELECT VALUE COUNT(1) FROM (SELECT DISTINCT c.a FROM c)")


def test_the_features_are_those_of_the_header() -> None:
    text = "SELECT DISTINCT TOP 1 c.a, COUNT(1) AS n, COUNTIF(c.b) AS m FROM c GROUP BY c.a"
    assert Query.parse(text).features == {"Distinct", "Top", "Aggregate", "MultipleAggregates", "CountIf", "GroupBy"}
    assert Query.parse("SELECT * FROM c ORDER BY c.a, c.b OFFSET 0 LIMIT 1").features == {
        "OrderBy", "MultipleOrderBy", "OffsetAndLimit"
    }  # fmt: skip
    assert Query.parse("SELECT * FROM c").features == frozenset()


def test_the_sdk_refuses_aggregates_without_value_across_partitions() -> None:
    with pytest.raises(CosmosHttpResponseError, match="Cross partition query only supports 'VALUE <AggregateFunc>'"):
        merged("SELECT COUNT(1) FROM c", [[], []])


@pytest.mark.parametrize(
    ("resume", "expected"),
    [
        ("( c.n >= 2 OR IS_STRING(c.n) OR IS_ARRAY(c.n) OR IS_OBJECT(c.n) )", [2, 3, "a"]),
        ("( IS_DEFINED(c.n) AND c.n > 2 )", [3]),
        ("( c.n > null OR NOT (IS_NULL(c.n)) )", [1, 2, 3, "a"]),
    ],
)
def test_a_sorted_query_resumes_behind_the_filter_that_the_client_puts_in(resume: str, expected: list[Any]) -> None:
    text = info("SELECT VALUE c.n FROM c ORDER BY c.n")["rewrittenQuery"].replace(FILTER, resume)
    rows = answers(text, [{"_rid": f"r{n}", "n": n} for n in (3, 1, "a", None, 2)])
    assert [row["payload"] for row in rows] == expected
    assert rows[0]["orderByItems"] == [{"item": expected[0]}]
    assert rows[0]["_rid"] == f"r{expected[0]}"


def test_a_sorted_row_without_the_value_has_an_empty_order_by_item() -> None:
    text = info("SELECT * FROM c ORDER BY c.n")["rewrittenQuery"].replace(FILTER, "true")
    assert answers(text, [{"_rid": "r"}]) == [{"_rid": "r", "orderByItems": [{}], "payload": {"_rid": "r"}}]


SMALL = st.integers(min_value=-3, max_value=3)
ITEMS: st.SearchStrategy[Items] = st.lists(
    st.fixed_dictionaries(
        {"_rid": st.text("abc", max_size=3), "n": SMALL, "m": SMALL}, optional={"v": SMALL | st.sampled_from("ab")}
    ),
    max_size=12,
)
QUERIES = [
    "SELECT VALUE c.n FROM c ORDER BY c.n",
    "SELECT c.n, c.m FROM c WHERE c.m >= @least ORDER BY c.n DESC, c.m",
    "SELECT VALUE c.v FROM c ORDER BY c.n, c.m",
    "SELECT TOP 4 VALUE [c.n, c.m] FROM c ORDER BY c.n, c.m DESC",
    "SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 2 LIMIT 3",
    "SELECT DISTINCT VALUE c.n FROM c ORDER BY c.n",
    "SELECT DISTINCT TOP 2 VALUE c.n FROM c ORDER BY c.n",
    "SELECT DISTINCT c.n FROM c ORDER BY c.n DESC OFFSET 1 LIMIT 2",
    "SELECT VALUE COUNT(1) FROM c",
    "SELECT VALUE COUNT(c.v) FROM c WHERE c.n > @least",
    "SELECT VALUE SUM(c.n) FROM c",
]
UNORDERED = [
    "SELECT DISTINCT VALUE c.n FROM c",
    "SELECT DISTINCT c.n, c.m FROM c WHERE c.n > @least",
    "SELECT * FROM c",
]
COUNTED = [
    "SELECT TOP 3 c.n FROM c",
    "SELECT c.n FROM c OFFSET 1 LIMIT 4",
    "SELECT DISTINCT VALUE c.n FROM c OFFSET 1 LIMIT 2",
]


def _same(found: list[Any]) -> list[Any]:
    return found


def _in_any_order(found: list[Any]) -> list[str]:
    return sorted(map(repr, found))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        *((text, _same) for text in QUERIES),
        *((text, _in_any_order) for text in UNORDERED),
        *((text, len) for text in COUNTED),
    ],
)
@settings(max_examples=25, deadline=None)
@given(partitions=st.lists(ITEMS, min_size=1, max_size=3))
def test_the_sdk_makes_the_same_answer_of_many_partitions_as_of_one(
    text: str, seen: Callable[[list[Any]], object], partitions: list[Items]
) -> None:
    values = parameters({"least": 0})
    together = [item for partition in partitions for item in partition]
    assert seen(merged(text, partitions, values)) == seen(answers(text, together, least=0))


@pytest.mark.parametrize(("name", "nothing"), [("MIN", None), ("MAX", None), ("AVG", None)])
@settings(max_examples=25, deadline=None)
@given(partitions=st.lists(ITEMS, min_size=1, max_size=3))
def test_the_sdk_merges_aggregates_of_which_some_partitions_have_none(
    name: str, nothing: object, partitions: list[Items]
) -> None:
    together = [item for partition in partitions for item in partition]
    text = f"SELECT VALUE {name}(c.n) FROM c"
    assert merged(text, partitions) == (answers(text, together) or [nothing])
