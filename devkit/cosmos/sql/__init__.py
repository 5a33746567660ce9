"""The Cosmos DB query language: parse a query, run it over items, plan it across partitions.

query = Query.parse("SELECT VALUE c.id FROM c WHERE c.n > @n", [{"name": "@n", "value": 3}])
list(query.evaluate(items))
"""

from devkit.cosmos.sql.bounds import Bounds
from devkit.cosmos.sql.errors import SqlError
from devkit.cosmos.sql.query import Query
from devkit.cosmos.sql.values import UNDEFINED

__all__ = ["UNDEFINED", "Bounds", "Query", "SqlError"]
