"""Query text -> ``Select``.

The clauses and their order follow the grammar that Microsoft publishes with its .NET SDK
(``Query/Core/Parser/sql.g4``). Trees are cached by text: they hold no parameter values.
"""

from __future__ import annotations

from functools import lru_cache

from localazure.cosmos.sql.cursor import Cursor
from localazure.cosmos.sql.errors import SqlError
from localazure.cosmos.sql.expressions import ExpressionParser
from localazure.cosmos.sql.tree import Expression, Literal, Member, Name, Parameter, Projection, Select, Sort, Source
from localazure.cosmos.sql.walk import implied_name

MAX_TEXT = 512 * 1024
"""Longest query text, in characters (the service's published limit is 512 KB)."""
MAX_JOINS = 10
"""Most JOINs of one FROM clause (the service's published limit)."""
MAX_CACHED_TEXT = 8 * 1024
"""Longest text whose tree is kept; a longer one, such as a list of a thousand ids, seldom comes twice."""

_AFTER_FROM = ("WHERE", "GROUP", "ORDER", "OFFSET")


def parse(text: str) -> Select:
    """The tree of a query; raises SqlError, with the place, for anything that is not one."""
    return _remembered(text) if len(text) <= MAX_CACHED_TEXT else _read(text)


def _read(text: str) -> Select:
    if len(text) > MAX_TEXT:
        raise SqlError(f"The query text is longer than {MAX_TEXT} characters")
    try:
        return _SelectParser(Cursor(text)).query()
    except RecursionError:
        raise SqlError("The query is nested too deeply") from None


_remembered = lru_cache(maxsize=512)(_read)


class _SelectParser:
    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._expressions = ExpressionParser(cursor, self.select)

    def query(self) -> Select:
        found = self.select()
        if self._cursor.token.kind != "end":
            raise self._cursor.unexpected("the query should end here")
        return found

    def select(self) -> Select:
        cursor = self._cursor
        cursor.expect("SELECT", "at the start of a query")
        distinct = cursor.accept("DISTINCT") is not None
        top = self._count("TOP") if cursor.accept("TOP") else None
        value = cursor.accept("VALUE") is not None
        projections = self._projections(value)
        sources = self._sources() if cursor.accept("FROM") else ()
        where = self._expressions.parse() if cursor.accept("WHERE") else None
        group_by = self._group_by() if cursor.accept("GROUP") else ()
        order_by = self._order_by() if cursor.accept("ORDER") else ()
        offset = limit = None
        if cursor.accept("OFFSET"):
            offset = self._count("OFFSET")
            cursor.expect("LIMIT", "after OFFSET")
            limit = self._count("LIMIT")
        if top is not None and limit is not None:
            raise cursor.error("TOP and OFFSET LIMIT cannot be used in one query")
        return Select(projections, value, distinct, top, sources, where, group_by, order_by, offset, limit)

    def _projections(self, value: bool) -> tuple[Projection, ...]:
        cursor = self._cursor
        if cursor.at("*"):
            if value:
                raise cursor.error("SELECT VALUE * is not valid; write SELECT *, or SELECT VALUE and an alias")
            cursor.advance()
            return ()
        if value:
            return (Projection(self._expressions.parse()),)
        found = [self._projection()]
        while cursor.accept(","):
            found.append(self._projection())
        return tuple(found)

    def _projection(self) -> Projection:
        expression = self._expressions.parse()
        if self._cursor.accept("AS"):
            return Projection(expression, self._cursor.identifier("after AS").value)
        return Projection(expression)

    def _sources(self) -> tuple[Source, ...]:
        cursor = self._cursor
        found = [self._source()]
        while cursor.at("JOIN"):
            position = cursor.advance().position
            found.append(self._source())
            if len(found) > MAX_JOINS + 1:
                raise cursor.error(f"More than {MAX_JOINS} JOINs in one query", position)
        aliases = [source.alias for source in found if source.alias is not None]
        for index, source in enumerate(found):
            if source.alias is not None and source.alias in aliases[:index]:
                raise cursor.error(f"The alias '{source.alias}' is used twice in FROM", source.position)
        if cursor.at(","):
            raise cursor.error("A comma in FROM is not supported; write JOIN alias IN path")
        return tuple(found)

    def _source(self) -> Source:
        cursor = self._cursor
        position = cursor.token.position
        if cursor.accept("("):
            subquery = self.select()
            cursor.expect(")", "to close the subquery")
            return Source(subquery, self._alias(), position=position)
        name = cursor.identifier("of a collection")
        if cursor.accept("IN"):
            if cursor.accept("("):
                subquery = self.select()
                cursor.expect(")", "to close the subquery")
                return Source(subquery, name.value, iterates=True, position=position)
            return Source(self._path(), name.value, iterates=True, position=position)
        path = self._path_from(Name(name.value, name.position))
        return Source(path, self._alias() or implied_name(path), position=position)

    def _alias(self) -> str | None:
        cursor = self._cursor
        if cursor.accept("AS"):
            return str(cursor.identifier("after AS").value)
        if cursor.token.kind != "word" or cursor.at("JOIN", *_AFTER_FROM):
            return None
        if cursor.absent() and cursor.peek().text not in (*_AFTER_FROM, ")", ""):
            return None
        return str(cursor.identifier("or a clause after a collection").value)

    def _path(self) -> Expression:
        name = self._cursor.identifier("of a collection after IN")
        return self._path_from(Name(name.value, name.position))

    def _path_from(self, found: Expression) -> Expression:
        cursor = self._cursor
        while True:
            if cursor.accept("."):
                found = Member(found, Literal(cursor.identifier("after '.'").value))
            elif cursor.accept("["):
                if cursor.token.kind not in ("string", "number"):
                    raise cursor.unexpected("a path in FROM takes a string or a number in brackets")
                found = Member(found, Literal(cursor.advance().value))
                cursor.expect("]", "after a property name or an index")
            else:
                return found

    def _group_by(self) -> tuple[Expression, ...]:
        self._cursor.expect("BY", "after GROUP")
        found = [self._expressions.parse()]
        while self._cursor.accept(","):
            found.append(self._expressions.parse())
        return tuple(found)

    def _order_by(self) -> tuple[Sort, ...]:
        cursor = self._cursor
        cursor.expect("BY", "after ORDER")
        if cursor.at("RANK") and cursor.peek().kind == "word":
            raise cursor.error("ORDER BY RANK (full-text and hybrid search) is not supported")
        found = [self._sort()]
        while cursor.accept(","):
            found.append(self._sort())
        return tuple(found)

    def _sort(self) -> Sort:
        expression = self._expressions.parse()
        direction = self._cursor.accept("ASC", "DESC")
        return Sort(expression, direction is not None and direction.text == "DESC")

    def _count(self, clause: str) -> Literal | Parameter:
        cursor = self._cursor
        token = cursor.token
        if token.kind == "parameter":
            cursor.advance()
            return Parameter(token.text, token.position)
        if token.kind == "number" and type(token.value) is int:
            cursor.advance()
            return Literal(token.value)
        raise cursor.unexpected(f"{clause} takes a whole number or a parameter")
