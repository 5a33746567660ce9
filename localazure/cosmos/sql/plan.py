"""The query plan: how a client puts a query together from the results of several partitions.

The members of ``queryInfo`` are those that the SDKs read (azure-cosmos ``_execution_context/query_execution_info.py``).
``rewrittenQuery`` is what the client sends to every partition: plain query text, whose rows have the form that the
client merges by:

    ORDER BY     {"_rid": …, "orderByItems": [{"item": …}, …], "payload": …}; with DISTINCT, which is the client's to
                 apply before it counts, without TOP and OFFSET LIMIT
    aggregate    [{"item": …}]; AVG with {"sum": …, "count": …}; MIN and MAX also with "item2": {"min": …, "count": …},
                 which is what the JavaScript SDK reads
    GROUP BY     {"groupByItems": [{"item": …}, …], "payload": …}

In the text of a sorted query the client replaces ``FILTER`` by ``true``, or by a condition that resumes a query.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from localazure.cosmos.sql.errors import SqlError
from localazure.cosmos.sql.linker import Linker
from localazure.cosmos.sql.printer import expression_text, select_text
from localazure.cosmos.sql.tree import (
    ArrayLiteral,
    Call,
    Expression,
    Literal,
    Logical,
    Member,
    Name,
    ObjectLiteral,
    Projection,
    Select,
)
from localazure.cosmos.sql.walk import aggregates, aggregates_of, column_names

FILTER: Final = "{documentdb-formattableorderbyquery-filter}"
_FILTER_TERM: Final = Name(f"({FILTER})")
_AGGREGATE_TYPES: Final = {
    "COUNT": "Count",
    "COUNTIF": "CountIf",
    "SUM": "Sum",
    "AVG": "Average",
    "MIN": "Min",
    "MAX": "Max",
}


def plan(select: Select, linker: Linker) -> dict[str, Any]:
    """See ``Query.plan``."""
    if select.sources and isinstance(select.sources[0].collection, Select):
        raise SqlError("A subquery in FROM is not supported across partitions; give the query a partition key")
    grouped = bool(aggregates_of(select) or select.group_by)
    sorts = () if grouped else select.order_by
    types = _column_types(select) if grouped else {}
    rewritten = _grouped(select) if grouped else _sorted(select, linker) if sorts else _limited(select, linker)
    return {
        "queryInfo": {
            "distinctType": _distinct_type(select),
            "top": linker.count(select.top, "TOP"),
            "offset": linker.count(select.offset, "OFFSET"),
            "limit": linker.count(select.limit, "LIMIT"),
            "orderBy": ["Descending" if sort.descending else "Ascending" for sort in sorts],
            "orderByExpressions": [expression_text(sort.expression) for sort in sorts],
            "groupByExpressions": [expression_text(key) for key in select.group_by],
            "groupByAliases": list(types) if select.group_by else [],
            "aggregates": [] if select.group_by and not select.value else [t for t in types.values() if t is not None],
            "groupByAliasToAggregateType": {} if select.value else types,
            "rewrittenQuery": rewritten,
            "hasSelectValue": select.value,
            "dCountInfo": None,
            "hasNonStreamingOrderBy": False,
        }
    }


def features(select: Select) -> frozenset[str]:
    """See ``Query.features``."""
    calls = aggregates_of(select)
    wanted = {
        "Aggregate": bool(calls),
        "MultipleAggregates": len(calls) > 1,
        "CountIf": any(call.name == "COUNTIF" for call in calls),
        "GroupBy": bool(select.group_by),
        "Distinct": select.distinct,
        "OrderBy": bool(select.order_by),
        "MultipleOrderBy": len(select.order_by) > 1,
        "Top": select.top is not None,
        "OffsetAndLimit": select.limit is not None,
    }
    return frozenset(name for name, needed in wanted.items() if needed)


def _distinct_type(select: Select) -> str:
    if not select.distinct:
        return "None"
    shown = {projection.expression for projection in select.projections}
    ordered = bool(select.order_by) and shown == {sort.expression for sort in select.order_by}
    return "Ordered" if ordered else "Unordered"


def _column_types(select: Select) -> dict[str, str | None]:
    """The aggregate of every column; None for a column that GROUP BY fixes."""
    types: dict[str, str | None] = {}
    for name, projection in zip(column_names(select.projections), select.projections, strict=True):
        tree = projection.expression
        if isinstance(tree, Call) and tree.name in _AGGREGATE_TYPES:
            types[name] = _AGGREGATE_TYPES[tree.name]
        elif any(aggregates(tree)):
            raise SqlError(
                f"'{expression_text(tree)}': an aggregate inside another expression is not supported across partitions"
            )
        else:
            types[name] = None
    return types


def _grouped(select: Select) -> str:
    partial = {
        name: _partial(projection)
        for name, projection in zip(column_names(select.projections), select.projections, strict=True)
    }
    if select.value:
        first = next(iter(partial.values()))
        payload: Expression = ArrayLiteral((first,)) if aggregates_of(select) else first
    else:
        payload = ObjectLiteral(tuple(partial.items()))
    bare = replace(select, distinct=False, top=None, offset=None, limit=None, order_by=(), value=False)
    if select.group_by:
        keys = ArrayLiteral(tuple(_item(key) for key in select.group_by))
        return select_text(
            replace(bare, projections=(Projection(keys, "groupByItems"), Projection(payload, "payload")))
        )
    if select.value:
        return select_text(replace(bare, value=True, projections=(Projection(payload),)))
    return select_text(replace(bare, projections=(Projection(payload, "payload"),)))


def _partial(projection: Projection) -> Expression:
    """What one partition contributes to a column."""
    tree = projection.expression
    if not (isinstance(tree, Call) and tree.name in _AGGREGATE_TYPES):
        return tree
    count = Call("COUNT", tree.arguments)
    if tree.name == "AVG":
        return _item(ObjectLiteral((("sum", Call("SUM", tree.arguments)), ("count", count))))
    if tree.name in ("MIN", "MAX"):
        item2 = ObjectLiteral(((tree.name.lower(), tree), ("count", count)))
        return ObjectLiteral((("item", tree), ("item2", item2)))
    return _item(tree)


def _item(tree: Expression) -> Expression:
    return ObjectLiteral((("item", tree),))


def _sorted(select: Select, linker: Linker) -> str:
    alias = Name(select.sources[0].alias or "")
    conditions = [] if select.where is None else [select.where]
    if select.star:
        payload: Expression = alias
    elif select.value:
        payload = select.projections[0].expression
        conditions.append(Call("IS_DEFINED", (payload,)))
    else:
        names = column_names(select.projections)
        shown = (projection.expression for projection in select.projections)
        payload = ObjectLiteral(tuple(zip(names, shown, strict=True)))
    items = ArrayLiteral(tuple(_item(sort.expression) for sort in select.order_by))
    conditions.append(_FILTER_TERM)
    rewritten = replace(
        select,
        value=False,
        distinct=False,
        projections=(
            Projection(Member(alias, Literal("_rid"))),
            Projection(items, "orderByItems"),
            Projection(payload, "payload"),
        ),
        where=conditions[0] if len(conditions) == 1 else Logical("AND", tuple(conditions)),
    )
    if select.distinct:
        return select_text(replace(rewritten, top=None, offset=None, limit=None))
    return _limited(rewritten, linker)


def _limited(select: Select, linker: Linker) -> str:
    """The query with limits for one partition, which may have to give all that OFFSET skips."""
    if select.limit is None:
        top = linker.count(select.top, "TOP")
        return select_text(replace(select, top=None if top is None else Literal(top)))
    most = (linker.count(select.offset, "OFFSET") or 0) + (linker.count(select.limit, "LIMIT") or 0)
    return select_text(replace(select, offset=Literal(0), limit=Literal(most)))
