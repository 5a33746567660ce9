"""The server without a wire: one request in, one answer out."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from localazure.cosmos.faults import ConnectionLost, Fault, Faults, RequestInfo
from localazure.cosmos.log import RequestLog
from localazure.cosmos.protocol.address import parse_address
from localazure.cosmos.protocol.auth import Signatures
from localazure.cosmos.protocol.errors import COLLECTION_RID_MISMATCH, BadRequest, CosmosError, MethodNotAllowed
from localazure.cosmos.protocol.message import Request, Response
from localazure.cosmos.queries.query import Queries
from localazure.cosmos.requests.account import LEVEL, Account
from localazure.cosmos.requests.batch import Batches
from localazure.cosmos.requests.call import Call, classify
from localazure.cosmos.requests.changefeed import ChangeFeed
from localazure.cosmos.requests.containers import Containers
from localazure.cosmos.requests.databases import Databases
from localazure.cosmos.requests.expiry import Expiry
from localazure.cosmos.requests.items import Items
from localazure.cosmos.requests.offers import Offers
from localazure.cosmos.requests.purge import Purge
from localazure.cosmos.requests.ranges import Ranges
from localazure.cosmos.requests.splits import Splits
from localazure.cosmos.storage.catalog import Catalog
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.limits import SESSION_OR_WEAKER
from localazure.cosmos.storage.store import Store


class Service:
    """Takes requests apart and hands them to the part that answers them."""

    def __init__(self, store: Store, key: str, partitions: int, faults: Faults, log: RequestLog) -> None:
        self._signatures = Signatures(key)
        self._store = store
        self._faults = faults
        self._log = log
        self.catalog = Catalog(store)
        self.splits = Splits(store, self.catalog)
        self._expiry = Expiry(store)
        self._account = Account()
        offers = Offers(store, self.catalog, self.splits)
        self._containers = Containers(store, self.catalog, offers, partitions)
        self._on_metadata: dict[str, Callable[[Call], Response]] = {
            "dbs": Databases(self.catalog, offers).handle,
            "colls": self._containers.handle,
            "offers": offers.handle,
        }
        items, queries = Items(store), Queries(store)
        batches, feed, purge = Batches(store), ChangeFeed(store, self.catalog), Purge(store)
        self._on_items: dict[str, Callable[[Call, Container], Response]] = {
            "read": items.read,
            **dict.fromkeys(("create", "upsert"), items.add),
            **dict.fromkeys(("replace", "patch", "delete"), items.change),
            "batch": batches.handle,
            "query": queries.handle,
            "queryplan": queries.plan,
            "list": queries.listing,
            "changefeed": feed.handle,
            "deletepartition": purge.handle,
            "pkranges": Ranges().handle,
        }

    def exchange(self, request: Request, sleep: Callable[[float], None] = time.sleep) -> Response:
        """Answer one request.

        Raises `ConnectionLost` when the client is to get no answer, and whatever a registered callback raises.
        """
        started = time.perf_counter()
        try:
            address = parse_address(request.path)
            call = Call(request, address, classify(request, address), address.database, address.container)
            self._signatures.check(request, address)
        except CosmosError as error:
            return error.response()
        response = self._handle_faulty(call, started, sleep) if self._faults.active else self._handle(call)
        self._note(call, response, started)
        return response

    def _handle_faulty(self, call: Call, started: float, sleep: Callable[[float], None]) -> Response:
        number = self._faults.next_number()
        self._faults.notify(_info(call, number), "before")
        decision = self._faults.decide(_info(call, number))
        if decision.delay:
            sleep(decision.delay)
        fault, call.late = decision.fault, decision.late
        if fault is not None and not fault.lose_answer:
            return self._fail(call, fault, started)
        response = self._handle(call)
        self._faults.notify(_info(call, number, response.status), "after")
        return self._fail(call, fault, started) if fault is not None else response

    def _fail(self, call: Call, fault: Fault, started: float) -> Response:
        """What the client gets in the place of an answer."""
        if fault.status:
            return call.finish(fault.refusal().response())
        self._note(call, Response(0), started)
        raise ConnectionLost(timeout=fault.timeout)

    def _handle(self, call: Call) -> Response:
        try:
            response = self._dispatch(call)
        except CosmosError as error:
            response = error.response()
            call.charge = call.charge or 1.0
        except sqlite3.OperationalError as error:
            response = CosmosError(
                f"The local server's store failed: {error}. The transaction was taken back."
            ).response()
        return call.finish(response)

    def _dispatch(self, call: Call) -> Response:
        kind = call.address.kind
        level = call.request.headers.get("x-ms-consistency-level", LEVEL)
        if level not in SESSION_OR_WEAKER and kind:
            raise BadRequest(
                f"ConsistencyLevel {level} specified in the request is invalid when service is configured with "
                f"consistency level {LEVEL}. Ensure the request consistency level is not stronger than the service "
                "consistency level."
            )
        if kind in ("docs", "pkranges", "operations", "conflicts"):
            container = self.catalog.container(call.database, call.container, owner=True)
            call.target = container
            call.database, call.container = container.database.id, container.id
            intended = call.header("x-ms-cosmos-intended-collection-rid")
            if intended and intended != container.rid:
                raise BadRequest(
                    f"Collection Rid '{intended}' does not match: '{container.id}' is now '{container.rid}'.",
                    sub_status=COLLECTION_RID_MISMATCH,
                )
            if container.next_expiry is not None:
                self._expiry.sweep(container)
            handler = self._on_items.get(call.operation)
            if handler is not None:
                return handler(call, container)
            if kind == "conflicts":
                return self._containers.conflicts(call, container)
        elif kind == "":
            return self._account.handle(call)
        elif kind in self._on_metadata:
            with self._store.transaction:  # a container and its offer are made, and go, together
                return self._on_metadata[kind](call)
        raise MethodNotAllowed(f"{call.request.method} is not allowed on '{call.request.path}'.")

    def _note(self, call: Call, response: Response, started: float) -> None:
        sub_status = response.headers.get("x-ms-substatus")
        self._log.add(
            (call.operation, call.database, call.container, response.status, int(sub_status) if sub_status else 0),
            call.charge,
            time.perf_counter() - started,
        )


def _info(call: Call, number: int, status: int = 0) -> RequestInfo:
    request = call.request
    return RequestInfo(
        number,
        call.operation,
        call.database,
        call.container,
        request.method,
        request.path,
        request.headers,
        request.body,
        status,
    )
