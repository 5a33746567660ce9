"""A query with its parameters: what the server asks of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from localazure.cosmos.sql.bounds import Bounds, access, key_values
from localazure.cosmos.sql.computed import computed
from localazure.cosmos.sql.errors import SqlError
from localazure.cosmos.sql.linker import Linker
from localazure.cosmos.sql.parser import parse
from localazure.cosmos.sql.plan import features, plan
from localazure.cosmos.sql.tree import Name, Select
from localazure.cosmos.sql.walk import aggregates_of, names, property_path

_TOO_DEEP = "The query is nested too deeply"


class Query:
    """One query text with the values of its parameters, checked and ready to run.

    Items are JSON objects as ``dict``; results are JSON values and may share structure with the items. ``order_by``
    holds the paths of ORDER BY as an indexing policy writes them, each with whether it descends.
    """

    def __init__(self, text: str, parameters: Mapping[str, Any], definitions: Mapping[str, str]) -> None:
        self._select = parse(text)
        self._parameters = parameters
        self._linker = Linker(text, parameters, {name: computed(name, definitions[name]) for name in definitions})
        try:
            self._program, self._feed = self._linker.link(self._select)
        except RecursionError:
            raise SqlError(_TOO_DEEP) from None
        self.order_by = _sort_paths(self._select)

    @classmethod
    def parse(
        cls, text: str, parameters: Sequence[Mapping[str, Any]] = (), *, definitions: Mapping[str, str] | None = None
    ) -> Query:
        """The query of a request; ``parameters`` are ``{"name": "@x", "value": …}``.

        ``definitions`` are the container's computed properties: name -> definition, ``SELECT VALUE … FROM c``.
        Raises SqlError, which is HTTP 400, for a text that is no query or asks for what is not supported.
        """
        if not all(isinstance(parameter.get("name"), str) for parameter in parameters):
            raise SqlError('Every parameter of a query needs a name and a value: {"name": "@x", "value": 1}')
        values = {parameter["name"]: parameter.get("value") for parameter in parameters}
        return cls(text, values, definitions or {})

    @property
    def streams(self) -> bool:
        """Whether every item gives its rows on its own, so that results can be paged by position in the container."""
        select = self._select
        return bool(select.sources) and not isinstance(select.sources[0].collection, Select) and not self.needs_plan

    @property
    def only_counts(self) -> bool:
        """Whether the result depends on how many items there are, and on nothing in them."""
        select = self._select
        if not aggregates_of(select) or len(select.sources) != 1 or select.where is not None:
            return False
        source = select.sources[0]
        expressions = [projection.expression for projection in select.projections]
        used = any(True for expression in (*expressions, *select.group_by) for _ in names(expression))
        return isinstance(source.collection, Name) and not source.iterates and not used

    @property
    def needs_plan(self) -> bool:
        """Whether execution over several partitions needs the client's help, and so a query plan."""
        select = self._select
        limited = select.top is not None or select.offset is not None
        grouped = bool(aggregates_of(select) or select.group_by)
        inner = select.sources[0].collection if select.sources else None
        return bool(select.order_by or select.distinct or limited or grouped) or isinstance(inner, Select)

    def rows(self, item: Mapping[str, Any]) -> Iterator[Any]:
        """The rows of one item: none, one, or several with JOIN. Only for a query that ``streams``."""
        return self._program.stream((item,))

    def evaluate(self, items: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
        """The whole query over these items, lazily where it neither sorts nor groups.

        Raises SqlError on the way for a scalar subquery with more than one row.
        """
        return self._program.run(self._feed(items))

    def key_values(self, paths: Sequence[str]) -> list[list[Any]] | None:
        """The values that WHERE fixes for the partition key paths (``"/a"``, ``"/b/c"``); None when it fixes none.

        Several lists when WHERE allows several keys, as in ``c.pk IN ("a", "b")``.
        """
        return key_values(self._select, self._parameters, paths)

    def access(self, paths: Collection[str]) -> list[dict[str, Bounds]] | None:
        """Conjunctions of bounds on these paths, one of which every item that WHERE accepts satisfies.

        None when WHERE gives no such bound and every item has to be looked at.
        """
        return access(self._select, self._parameters, paths)

    @property
    def features(self) -> frozenset[str]:
        """What a client must be able to merge to run this across partitions.

        The names are those of the ``x-ms-cosmos-supported-query-features`` header.
        """
        return features(self._select)

    def plan(self) -> dict[str, Any]:
        """The query plan that an SDK asks for: ``{"queryInfo": {…}}``; the query ranges are the server's to add.

        Raises SqlError for a query that cannot be put together from the results of several partitions.
        """
        try:
            return plan(self._select, self._linker)
        except RecursionError:
            raise SqlError(_TOO_DEEP) from None


def _sort_paths(select: Select) -> tuple[tuple[str, bool], ...]:
    if select.order_by and (len(select.sources) != 1 or not isinstance(select.sources[0].collection, Name)):
        raise SqlError("ORDER BY needs FROM with the container alone: no JOIN, path, IN or subquery")
    paths = []
    for sort in select.order_by:
        path = property_path(sort.expression)
        if path is None or not path[1] or not all(type(key) is str for key in path[1]):
            raise SqlError("ORDER BY only sorts by property paths, such as c.name or c.address.city")
        paths.append(("/" + "/".join(str(key) for key in path[1]), sort.descending))
    return tuple(paths)
