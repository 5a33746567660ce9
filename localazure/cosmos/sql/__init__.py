"""The Cosmos DB query language: parse a query, run it over items, plan it across partitions.

query = Query.parse("SELECT VALUE c.id FROM c WHERE c.n > @n", [{"name": "@n", "value": 3}])
list(query.evaluate(items))
"""

from localazure.cosmos.sql.bounds import Bounds
from localazure.cosmos.sql.errors import SqlError
from localazure.cosmos.sql.query import Query
from localazure.cosmos.sql.values import UNDEFINED

__all__ = ["UNDEFINED", "Bounds", "Query", "SqlError"]
