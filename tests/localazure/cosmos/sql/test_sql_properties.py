"""What holds for every query: random trees against a plain reference, text and tree, bounds and WHERE."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from localazure.cosmos.sql import UNDEFINED, Bounds, Query, SqlError
from localazure.cosmos.sql.parser import parse
from localazure.cosmos.sql.printer import expression_text, select_text
from localazure.cosmos.sql.tokens import tokenize
from localazure.cosmos.sql.tree import Expression, Name, Projection, Select, Sort, Source
from localazure.cosmos.sql.values import sort_key
from tests.localazure.cosmos.sql import reference, trees

PARAMETERS = [{"name": name, "value": value} for name, value in trees.PARAMETERS.items()]


@settings(max_examples=600, deadline=None)
@given(tree=trees.expressions, item=trees.items)
def test_compiled_expressions_agree_with_the_plain_reference(tree: Expression, item: dict[str, Any]) -> None:
    query = Query.parse(f"SELECT VALUE {expression_text(tree)} FROM c", PARAMETERS)
    found = next(query.evaluate([item]), UNDEFINED)
    expected = reference.evaluate(tree, item, trees.PARAMETERS)
    assert reference.kind(found) == reference.kind(expected)
    assert found is expected or reference.same(found, expected)


@settings(max_examples=300, deadline=None)
@given(tree=trees.expressions)
def test_the_text_of_a_tree_parses_to_that_tree(tree: Expression) -> None:
    where = parse(f"SELECT * FROM c WHERE {expression_text(tree)}").where
    assert where == tree
    assert repr(where) == repr(tree)


counts = st.integers(min_value=0, max_value=9).map(trees.Literal)
selects = st.builds(
    Select,
    projections=st.lists(st.builds(Projection, trees.expressions, st.none() | st.sampled_from("pqr")), max_size=3).map(
        tuple
    ),
    distinct=st.booleans(),
    top=st.none() | counts,
    sources=st.sampled_from(
        [
            (Source(Name("c"), "c"),),
            (Source(Name("root"), "c"), Source(trees.Member(Name("c"), trees.Literal("order")), "t", True)),
            (Source(Select((Projection(Name("c")),), value=True, sources=(Source(Name("c"), "c"),)), "c"),),
        ]
    ),
    where=st.none() | trees.expressions,
    group_by=st.lists(trees.expressions, max_size=2).map(tuple),
    order_by=st.lists(st.builds(Sort, trees.paths, st.booleans()), max_size=2).map(tuple),
)


@settings(max_examples=100, deadline=None)
@given(select=selects)
def test_the_text_of_a_query_parses_to_that_query(select: Select) -> None:
    assert parse(select_text(select)) == select


def _inside(value: Any, bounds: Bounds) -> bool:
    low, high = bounds.low, bounds.high
    above = low is None or reference.compare(">=" if bounds.low_inclusive else ">", value, low) is True
    below = high is None or reference.compare("<=" if bounds.high_inclusive else "<", value, high) is True
    return above and below


@settings(max_examples=600, deadline=None)
@given(tree=trees.expressions, item=trees.items)
def test_bounds_never_exclude_an_item_that_where_accepts(tree: Expression, item: dict[str, Any]) -> None:
    query = Query.parse(f"SELECT * FROM c WHERE {expression_text(tree)}", PARAMETERS)
    accepted = any(True for _ in query.rows(item))
    access = query.access({"/id", "/a", "/b"})
    if access is not None and accepted:
        assert any(all(_inside(item.get(path[1:], UNDEFINED), b) for path, b in each.items()) for each in access)
    for name in ("id", "a"):
        keys = query.key_values([f"/{name}"])
        if keys is not None and accepted:
            assert any(reference.same(item.get(name, UNDEFINED), key) for (key,) in keys)


@settings(max_examples=200, deadline=None)
@given(values=st.lists(trees.values, max_size=8))
def test_order_by_sorts_and_distinct_keeps_one_of_each(values: list[Any]) -> None:
    items = [{"v": value} for value in values]
    ordered = list(Query.parse("SELECT VALUE c.v FROM c ORDER BY c.v").evaluate(items))
    assert [sort_key(value) for value in ordered] == sorted(map(sort_key, values))
    distinct = list(Query.parse("SELECT DISTINCT VALUE c.v FROM c").evaluate(items))
    assert all(sum(reference.same(value, one) for one in distinct) == 1 for value in values)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "SELECT",
                "VALUE",
                "*",
                "FROM",
                "c",
                ".",
                "a",
                "WHERE",
                "(",
                ")",
                "1",
                "'x'",
                "=",
                "AND",
                "NOT",
                "IN",
                ",",
                "[",
                "]",
                "{",
                "}",
                ":",
                "?",
                "ORDER",
                "BY",
                "TOP",
                "@s",
                "EXISTS",
                "LIKE",
                "-",
                "JOIN",
                "BETWEEN",
                "OFFSET",
                "LIMIT",
                "COUNT",
                "??",
                "GROUP",
                "DISTINCT",
            ]
        ),
        max_size=14,
    )
)
@example(["SELECT", "*", "FROM", "c"])
def test_words_in_any_order_are_a_query_or_an_sql_error(words: list[str]) -> None:  # fmt: skip
    with suppress(SqlError):
        list(Query.parse(" ".join(words), PARAMETERS).evaluate([{"id": "1", "a": [1]}]))


@given(text=st.text(max_size=40))
def test_strings_survive_being_printed(text: str) -> None:
    assert tokenize(expression_text(trees.Literal(text)))[0].value == text


@pytest.mark.parametrize(
    "chain",
    ["1" + " + 1" * 400, "true" + " AND true" * 3000, "c.a" + ".a" * 300, "1 IN (" + ", ".join("1" * 4000) + ")"],
)
def test_long_conditions_need_no_deep_stack(chain: str) -> None:
    assert len(list(Query.parse(f"SELECT VALUE {{'x': {chain}}} FROM c").evaluate([{}]))) == 1
