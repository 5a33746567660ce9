"""Computed properties: named expressions of a container that queries use like properties.

A definition is ``SELECT VALUE <expression> FROM <alias>``. Queries see the property where they name it, not in
``SELECT *``, and one definition does not see another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from localazure.cosmos.sql.errors import SqlError
from localazure.cosmos.sql.parser import parse
from localazure.cosmos.sql.tree import Expression, Name, Projection, Select, Source
from localazure.cosmos.sql.walk import aggregates_of

_FORM: Final = "SELECT VALUE <expression> FROM c"


@dataclass(frozen=True, slots=True)
class Computed:
    """The text of a definition, the alias of the item in it, and the expression."""

    text: str
    alias: str
    expression: Expression


def computed(name: str, text: str) -> Computed:
    """Read a definition; raises SqlError if it is more than a value of one item."""
    match parse(text):
        case (
            Select(
                projections=(Projection(expression),),
                value=True,
                distinct=False,
                top=None,
                sources=(Source(Name(), str() as alias, False),),
                where=None,
                group_by=(),
                order_by=(),
                limit=None,
            ) as select
        ) if not aggregates_of(select):
            return Computed(text, alias, expression)
        case _:
            raise SqlError(f"The computed property '{name}' must have the form {_FORM}")
