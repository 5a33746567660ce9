"""Random expressions over an item ``c`` with the properties id, a, b and a.x."""

from typing import Any

from hypothesis import strategies as st

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

SCALARS = [None, True, False, 0, 1, 2, 2.5, -1, "", "a", "ab", "b"]
scalars: st.SearchStrategy[Any] = st.sampled_from(SCALARS)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ax"), inner, max_size=2)
)
items = st.fixed_dictionaries({"id": st.sampled_from(["", "a", "ab", "b", "ba"])}, optional={"a": values, "b": values})

PARAMETERS = {"@s": "a", "@n": 2, "@o": {"x": 1}}
_C = Name("c")
paths: st.SearchStrategy[Expression] = st.sampled_from(
    [*(Member(_C, Literal(name)) for name in ("id", "a", "b")), Member(Member(_C, Literal("a")), Literal("x"))]
)
constants: st.SearchStrategy[Expression] = st.builds(Literal, scalars | st.just(UNDEFINED)) | st.sampled_from(
    [Parameter(name) for name in PARAMETERS]
)
_COMPARISONS = ["=", "!=", "<", "<=", ">", ">="]
_OTHERS = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", ">>>", "||", "??"]


def _grow(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    pairs = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Binary, st.sampled_from(_COMPARISONS), inner, inner),
        st.builds(Binary, st.sampled_from(_COMPARISONS), paths, constants),
        st.builds(Binary, st.sampled_from(_COMPARISONS), constants, paths),
        st.builds(Binary, st.sampled_from(_OTHERS), inner, inner),
        st.builds(Logical, st.sampled_from(["AND", "OR"]), pairs),
        st.builds(Unary, st.just("NOT"), inner),
        st.builds(Unary, st.sampled_from("-+~"), paths),
        st.builds(In, inner, pairs, st.booleans()),
        st.builds(In, paths, st.lists(constants, min_size=1, max_size=3).map(tuple), st.booleans()),
        st.builds(Between, paths, constants, constants, st.booleans()),
        st.builds(Like, paths, st.builds(Literal, st.text("ab%_", max_size=4)), st.none(), st.booleans()),
        st.builds(Conditional, inner, inner, inner),
        st.builds(Call, st.sampled_from(["IS_DEFINED", "LOWER", "IS_NUMBER"]), st.tuples(inner)),
        st.builds(Call, st.just("STARTSWITH"), st.tuples(paths, constants)),
        st.builds(ArrayLiteral, pairs),
        st.builds(ObjectLiteral, st.tuples(st.tuples(st.sampled_from("ax"), inner))),
        st.builds(Member, paths, st.sampled_from([Literal(0), Literal("x"), Literal("order"), Literal("a b")])),
    )


expressions: st.SearchStrategy[Expression] = st.recursive(paths | constants, _grow, max_leaves=10)
