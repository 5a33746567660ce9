"""``Select`` trees -> ``Program``: resolves names, checks what the grammar cannot, puts the stages together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from localazure.cosmos.sql.aggregates import AGGREGATES
from localazure.cosmos.sql.compiler import Compiler, Constants, Evaluate, Row
from localazure.cosmos.sql.computed import Computed
from localazure.cosmos.sql.errors import SqlError
from localazure.cosmos.sql.grouping import Grouping
from localazure.cosmos.sql.program import Expand, Program
from localazure.cosmos.sql.scope import Scope
from localazure.cosmos.sql.tree import Literal, Name, Parameter, Select, Source
from localazure.cosmos.sql.values import UNDEFINED, is_number
from localazure.cosmos.sql.walk import aggregates_of, column_names, property_path, ungrouped

_HIDDEN = "\0"

Feed = Callable[[Iterable[Any]], Iterable[Row]]


class Linker:
    """Links one query with the values of its parameters."""

    def __init__(self, text: str, parameters: Constants, computed: Mapping[str, Computed]) -> None:
        self._compiler = Compiler(text, parameters, computed, self._nested)

    def link(self, select: Select) -> tuple[Program, Feed]:
        """The program of a query over a container, and what turns the container's items into its rows."""
        if not select.sources:
            return self._program(select, Scope(), (), ()), lambda _: ((),)
        first, joins = select.sources[0], select.sources[1:]
        if isinstance(first.collection, Select):
            inner, feed = self.link(first.collection)
            row = Source(Name(_HIDDEN), first.alias, first.iterates)
            return self._over(select, Scope().bind(_HIDDEN), row, joins), lambda items: zip(inner.run(feed(items)))
        path = property_path(first.collection)
        if isinstance(first.collection, Name) and not first.iterates:
            return self._program(select, Scope().bind_item(first.alias), (), joins), zip
        return self._over(select, Scope().bind(path[0].name if path else _HIDDEN), first, joins), zip

    def count(self, tree: Literal | Parameter | None, clause: str) -> int | None:
        """The number of TOP, OFFSET or LIMIT; None without the clause."""
        if tree is None:
            return None
        value = self._compiler.constant(tree)
        if not is_number(value) or value < 0 or value != int(value):
            raise SqlError(f"{clause} takes a whole number that is not negative, not {value!r}")
        return int(value)

    def _over(self, select: Select, root: Scope, first: Source, joins: tuple[Source, ...]) -> Program:
        """A program over rows of one slot, whose name in ``root`` only the first member of FROM can use."""
        return self._program(select, Scope(size=1).bind(first.alias), (self._expansion(first, root),), joins)

    def _nested(self, select: Select, scope: Scope) -> Callable[[Row], Iterator[Any]]:
        program = self._program(select, scope, (), select.sources)
        return lambda row: program.run((row,))

    def _program(
        self, select: Select, scope: Scope, expansions: tuple[Expand, ...], joins: tuple[Source, ...]
    ) -> Program:
        compiler = self._compiler
        for join in joins:
            expansions = (*expansions, self._expansion(join, scope))
            scope = scope.bind(join.alias)
        grouping, projected = self._grouping(select, scope)
        top = self.count(select.top, "TOP")
        return Program(
            expansions=expansions,
            where=None if select.where is None else compiler.compile(select.where, scope),
            grouping=grouping,
            order_by=tuple((compiler.compile(sort.expression, scope), sort.descending) for sort in select.order_by),
            project=self._projection(select, projected),
            distinct=select.distinct,
            offset=self.count(select.offset, "OFFSET") or 0,
            limit=self.count(select.limit, "LIMIT") if top is None else top,
        )

    def _expansion(self, source: Source, scope: Scope) -> Expand:
        if isinstance(source.collection, Select):
            rows = self._nested(source.collection, scope.correlated())
        else:
            value_of = self._compiler.compile(source.collection, scope)

            def rows(row: Row) -> Iterator[Any]:
                value = value_of(row)
                return iter(()) if value is UNDEFINED else iter((value,))

        if not source.iterates:
            return lambda row: ((*row, value) for value in rows(row))
        return lambda row: ((*row, value) for array in rows(row) if type(array) is list for value in array)

    def _grouping(self, select: Select, scope: Scope) -> tuple[Grouping | None, Scope]:
        calls = aggregates_of(select)
        if not calls and not select.group_by:
            return None, scope
        for projection in select.projections:
            stray = ungrouped(projection.expression, select.group_by)
            if stray is not None:
                raise self._compiler.error(
                    f"'{stray.name}' in the SELECT list is neither in an aggregate nor in GROUP BY", stray.position
                )
        if select.star:
            raise SqlError("SELECT * cannot be used with GROUP BY; name the GROUP BY expressions and the aggregates")
        if select.group_by and select.order_by:
            raise SqlError("ORDER BY is not supported together with GROUP BY")
        aggregates = []
        for call in calls:
            if len(call.arguments) != 1:
                raise self._compiler.error(f"The aggregate {call.name} takes one argument", call.position)
            aggregates.append((AGGREGATES[call.name], self._compiler.compile(call.arguments[0], scope)))
        keys = tuple(self._compiler.compile(key, scope) for key in select.group_by)
        return Grouping(keys, tuple(aggregates), scope.size), scope.aggregate(calls)

    def _projection(self, select: Select, scope: Scope) -> Evaluate:
        if select.star:
            if len(select.sources) != 1 or select.sources[0].alias is None:
                raise SqlError("SELECT * is only valid with a single member in FROM; name what to select")
            return self._compiler.compile(Name(select.sources[0].alias), scope)
        if select.value:
            return self._compiler.compile(select.projections[0].expression, scope)
        names = column_names(select.projections)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise SqlError(f"The SELECT list has two columns named '{twice}'; give one another name with AS")
        columns = [
            (name, self._compiler.compile(projection.expression, scope))
            for name, projection in zip(names, select.projections, strict=True)
        ]
        return lambda row: {name: value for name, column in columns if (value := column(row)) is not UNDEFINED}
