"""Requests about databases."""

from __future__ import annotations

from localazure.cosmos.protocol.errors import MethodNotAllowed
from localazure.cosmos.protocol.message import Response
from localazure.cosmos.requests.call import Call
from localazure.cosmos.requests.metadata import body_of, check_match, entity, feed
from localazure.cosmos.requests.offers import Offers
from localazure.cosmos.storage.catalog import Catalog


class Databases:
    """Creates, reads, lists and removes databases."""

    def __init__(self, catalog: Catalog, offers: Offers) -> None:
        self._catalog = catalog
        self._offers = offers

    def handle(self, call: Call) -> Response:
        """Answer one request."""
        if call.operation in ("database.list", "database.query"):
            return feed(call, "Databases", "", [database.body for database in self._catalog.databases()])
        if call.operation == "database.create":
            throughput = self._offers.requested(call)
            database = self._catalog.create_database(body_of(call))
            call.database = database.id
            if throughput is not None:
                self._offers.create(database.body, throughput)
            return entity(call, database.body, 201)
        database = self._catalog.database(call.database)
        call.database = database.id
        if call.operation == "database.read":
            return entity(call, database.body)
        if call.operation == "database.delete":
            check_match(call, database.body)
            for resource in (database.body, *(container.body for container in database.containers.values())):
                self._offers.remove(resource["_rid"])
            self._catalog.delete_database(database)
            return Response(204)
        raise MethodNotAllowed(f"{call.request.method} is not an operation on databases.")
