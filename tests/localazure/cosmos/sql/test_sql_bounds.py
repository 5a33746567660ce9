"""What the server may conclude from WHERE without looking at an item."""

from typing import Any

import pytest

from localazure.cosmos.sql import Bounds, Query
from tests.localazure.cosmos.sql.answers import parameters

ID, COMMAND = "/id", "/commandId"


def point(value: Any) -> Bounds:
    return Bounds(value, True, value, True)


def access(condition: str, **values: Any) -> list[dict[str, Bounds]] | None:
    return Query.parse(f"SELECT * FROM c WHERE {condition}", parameters(values)).access({ID, COMMAND})


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("c.id = 'a'", [{ID: point("a")}]),
        ("'a' = c.id", [{ID: point("a")}]),
        ('c["id"] = @v', [{ID: point("v")}]),
        ("c.id > 'a'", [{ID: Bounds(low="a")}]),
        ("'a' >= c.id", [{ID: Bounds(high="a", high_inclusive=True)}]),
        ("c.id >= 3 AND c.id < 7.5", [{ID: Bounds(3, True, 7.5, False)}]),
        ("c.id > 'a' AND c.id >= 'a'", [{ID: Bounds(low="a")}]),
        ("c.id > 'a' AND c.id <= 'c' AND c.id > 'b'", [{ID: Bounds("b", False, "c", True)}]),
        ("c.id BETWEEN 'a' AND 'b'", [{ID: Bounds("a", True, "b", True)}]),
        ("STARTSWITH(c.id, 'ab')", [{ID: Bounds("ab", True, "ac", False)}]),
        ("c.id > @v OR c.commandId = @k", [{ID: Bounds(low="v")}, {COMMAND: point("k")}]),
        ("c.pk = 'x' AND (c.id > @v OR c.commandId = @k)", [{ID: Bounds(low="v")}, {COMMAND: point("k")}]),
        ("c.id IN ('a', 'b') AND c.other = 1", [{ID: point("a")}, {ID: point("b")}]),
        ("c.id IN ('a', 'b') AND c.commandId = 'k'", [
            {ID: point("a"), COMMAND: point("k")}, {ID: point("b"), COMMAND: point("k")}]),
        ("c.id = 'a' AND NOT c.x", [{ID: point("a")}]),
        ("ARRAY_CONTAINS(@ids, c.id)", [{ID: point("a")}, {ID: point("b")}]),
    ],
)  # fmt: skip
def test_access_is_an_or_of_bounds(condition: str, expected: list[dict[str, Bounds]]) -> None:
    assert access(condition, v="v", k="k", ids=["a", "b"]) == expected


@pytest.mark.parametrize(
    "condition",
    [
        "c.other = 1",
        "c.id = 'a' OR c.other = 1",
        "NOT c.id = 'a'",
        "c.id != 'a'",
        "c.id NOT IN ('a')",
        "c.id NOT BETWEEN 'a' AND 'b'",
        "c.id = null",
        "c.id IN ('a', null)",
        "c.id = c.other",
        "LOWER(c.id) = 'a'",
        "c.nested.id = 'a'",
        "c.id.nested = 'a'",
        "c.id = 9007199254740993",
        "STARTSWITH(c.id, 'a', true)",
        "STARTSWITH(c.id, '')",
        "STARTSWITH(c.id, '\U0001f600')",
        "ARRAY_CONTAINS(@none, c.id)",
        "ARRAY_CONTAINS(@number, c.id)",
        "ARRAY_CONTAINS(@mixed, c.id)",
        "ARRAY_CONTAINS(@mixed, c.id, true)",
        "EXISTS(SELECT VALUE c FROM c IN c.items WHERE c.id = 'a')",
        "(c.id = 'a') = false",
        "true",
    ],
)
def test_what_bounds_no_path_asks_for_a_scan(condition: str) -> None:
    assert access(condition, none=[], number=5, mixed=["a", None]) is None


def test_without_where_or_without_the_item_itself_there_is_no_bound() -> None:
    for text in ("SELECT * FROM c", "SELECT 1", "SELECT VALUE x FROM x IN c.items WHERE x.id = 'a'"):
        assert Query.parse(text).access({ID}) is None


def test_the_container_goes_by_its_alias() -> None:
    joined = Query.parse("SELECT VALUE t FROM root r JOIN t IN r.tags WHERE r.id = 'a' AND t.id = 'b'")
    assert joined.access({ID}) == [{ID: point("a")}]


def test_many_alternatives_fall_back_to_the_few() -> None:
    many = ", ".join(f"'{number}'" for number in range(100))
    assert access(f"c.id IN ({many}) AND c.commandId IN ({many})") == [{ID: point(str(n))} for n in range(100)]
    assert access(" OR ".join(f"c.id IN ({many})" for _ in range(30))) is None


def keys(condition: str, paths: list[str], **values: Any) -> list[list[Any]] | None:
    return Query.parse(f"SELECT * FROM c WHERE {condition}", parameters(values)).key_values(paths)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("c.pk = 'a'", [["a"]]),
        ("'a' = c.pk AND c.n > 3", [["a"]]),
        ("c['pk'] = @k", [["k"]]),
        ("c.pk = null", [[None]]),
        ("c.pk = true", [[True]]),
        ("c.pk = 1 OR c.pk = true OR c.pk = 1.0", [[1], [True]]),
        ("c.pk IN ('a', 'b')", [["a"], ["b"]]),
        ("(c.pk = 'a' AND c.n = 1) OR (c.pk = 'b' AND c.n = 2)", [["a"], ["b"]]),
        ("c.pk = 'a' AND c.pk = 'b'", [["a"]]),
        ("c.pk = 'a' OR c.n = 1", None),
        ("c.pk > 'a'", None),
        ("c.pk != 'a'", None),
        ("NOT c.pk = 'a'", None),
        ("c.pk = c.n", None),
        ("c.pk = ['a']", None),
        ("c.pk = undefined", None),
        ("c.pk = @absent.x", None),
        ("c.x.pk = 'a'", None),
    ],
)
def test_key_values_are_those_that_where_fixes(condition: str, expected: list[list[Any]] | None) -> None:
    assert keys(condition, ["/pk"], k="k", absent={"x": 1}) == expected


def test_every_path_of_a_hierarchical_key_must_be_fixed() -> None:
    paths = ["/tenant", "/user/name"]
    assert keys("c.tenant = 't' AND c.user.name = 'u'", paths) == [["t", "u"]]
    assert keys("c.tenant IN ('s', 't') AND c.user.name = 'u'", paths) == [["s", "u"], ["t", "u"]]
    assert keys("c.tenant = 't'", paths) is None
