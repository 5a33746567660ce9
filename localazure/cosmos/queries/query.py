"""Queries over items: which part of the container is read, and how results are cut into pages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

import orjson

from localazure.cosmos.protocol.errors import BadRequest
from localazure.cosmos.protocol.message import Response, json_bytes
from localazure.cosmos.queries.metrics import add_metrics
from localazure.cosmos.queries.scan import Scan
from localazure.cosmos.queries.span import Span, keys_in, spans_of
from localazure.cosmos.queries.whole import loaded, whole_page
from localazure.cosmos.requests.call import Call
from localazure.cosmos.requests.metadata import body_of
from localazure.cosmos.sql import Query, SqlError
from localazure.cosmos.storage import charges
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.continuation import Continuation
from localazure.cosmos.storage.doubles import doubles
from localazure.cosmos.storage.page import Page
from localazure.cosmos.storage.store import Store

_SORTED = {"OrderBy", "MultipleOrderBy"}
_FILTER = "{documentdb-formattableorderbyquery-filter}"
_SCAN_LIMIT = 50_000
"""Items that one page may look at; the service, too, answers with what it has when a page gets expensive."""


class Queries:
    """Answers queries, query plans and plain listings of items."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def handle(self, call: Call, container: Container) -> Response:
        """Answer one page of a query."""
        body = body_of(call)
        query = _parse(body, container)
        try:
            container.indexing.check_order_by(query.order_by)
            keyed = _keyed(query, body, container)
            return self._answer(call, container, query, keyed)
        except SqlError as error:
            raise BadRequest(error.message, code=error.code) from error

    def plan(self, call: Call, container: Container) -> Response:
        """Answer how a query is to be run across partitions."""
        body = body_of(call)
        query = _parse(body, container)
        try:
            container.indexing.check_order_by(query.order_by)
            supported = _check_features(call, query)
            plan = query.plan()
        except SqlError as error:
            raise BadRequest(error.message, code=error.code) from error
        info = plan["queryInfo"]
        if "NonValueAggregate" in supported and not info["hasSelectValue"]:
            info["aggregates"] = []  # such a client finds the columns' aggregates by their aliases
        ranges = [
            {"min": span.low, "max": span.high.rstrip("\0"), "isMinInclusive": True, "isMaxInclusive": span.is_logical}
            for span in _plan_spans(call, container, query)
        ]
        call.charge = charges.PLAN
        return Response(200, json_bytes({"partitionedQueryExecutionInfoVersion": 2, **plan, "queryRanges": ranges}))

    def listing(self, call: Call, container: Container) -> Response:
        """Answer one page of all items."""
        return self._answer(call, container, None)

    def _answer(self, call: Call, container: Container, query: Query | None, keyed: Query | None = None) -> Response:
        spans = spans_of(call, container, query)
        start = Continuation.decode(call.header("x-ms-continuation"))
        live = [span for span in spans if span.high > start.epk]
        if not live:
            return _respond(call, container, Page(_page_size(call)), query, ())
        span = live[0]
        call.at(span.partition)
        page = Page(_page_size(call))
        scan = Scan(self._store, container, call.items)
        if query is None or query.streams:
            self._stream(scan, span, start, query, page)
        else:
            items = (
                repeat({}, scan.count(span))
                if query.only_counts
                else loaded(scan.rows(span, Continuation(), query), page)
            )
            whole_page(query, keyed, items, start, page)
        if page.continuation is None and len(live) > 1:
            page.continuation = Continuation(live[1].low)
        used = _key_paths(container) if span.is_logical else ["/_epk/?"]
        return _respond(call, container, page, query, used)

    def _stream(self, scan: Scan, span: Span, start: Continuation, query: Query | None, page: Page) -> None:
        """Fill a page item by item; the token is the last item's position."""
        position, skip = start, start.row
        for epk, number, body in scan.rows(span, start, query):
            if page.scanned >= _SCAN_LIMIT:
                page.continuation = Continuation(position.epk, position.after)
                return
            page.scanned += 1
            page.loaded += len(body)
            if query is None:
                rows = [body]
            else:
                item = orjson.loads(body)
                rows = [body if row is item else orjson.dumps(row) for row in query.rows(item)]
            for place, row in enumerate(rows):
                if place < skip:
                    continue
                if not page.add(row):
                    page.continuation = Continuation(position.epk, position.after, place)
                    return
            skip = 0
            position = Continuation(epk, number)


def _check_features(call: Call, query: Query) -> set[str]:
    """What the client can put together; a query that needs more is refused."""
    supported = {name.strip() for name in call.header("x-ms-cosmos-supported-query-features").split(",")}
    missing = sorted(query.features - supported) if supported != {""} else []
    if missing:
        raise BadRequest(
            "Query contains the following features, which the calling client does not support: " + " ".join(missing)
        )
    return supported


def _plan_spans(call: Call, container: Container, query: Query) -> list[Span]:
    key = call.key_or_none(container)
    if key is not None and key.components:
        return spans_of(call, container, None)
    keys = keys_in(query, container.key)
    if keys is not None and len(keys) == 1:
        position = keys[0].position
        return [Span(container.partitions.at(position), position, position, is_logical=True)]
    return [Span(container.partitions.alive[0], "", "FF", is_logical=False)]


def _respond(call: Call, container: Container, page: Page, query: Query | None, used: Sequence[str]) -> Response:
    call.charge = charges.query(page.count, page.size, page.scanned)
    body = b'{"_rid":"%s","Documents":[%s],"_count":%d}' % (
        container.rid.encode(),
        b",".join(page.rows),
        page.count,
    )
    headers = {"x-ms-item-count": str(page.count)}
    if page.continuation is not None:
        headers["x-ms-continuation"] = page.continuation.encode()
    if query is not None:
        add_metrics(call, headers, page, used)
    return Response(200, body, headers)


def _key_paths(container: Container) -> list[str]:
    return ["/" + "/".join(path) + "/?" for path in container.key.paths]


def _page_size(call: Call) -> int:
    text = call.header("x-ms-max-item-count")
    if not text:
        return Page.DEFAULT
    if not text.lstrip("-").isdigit() or int(text) == 0 or int(text) < -1:
        raise BadRequest(f"The page size '{text}' is invalid; use a positive number, or -1 for as many as fit.")
    return int(text) if int(text) > 0 else Page.UNBOUNDED


def _keyed(query: Query, body: dict[str, Any], container: Container) -> Query | None:
    """The form of a merely sorted query that tells each row's resource id and sort values."""
    if not query.order_by or query.features - _SORTED or "orderByItems" in body["query"]:
        return None
    rewritten = query.plan()["queryInfo"]["rewrittenQuery"].replace(_FILTER, "true")
    return _parse({**body, "query": rewritten}, container)


def _parse(body: dict[str, Any], container: Container) -> Query:
    text = body.get("query")
    if not isinstance(text, str):
        raise BadRequest("The body of a query needs a 'query'.")
    computed = {entry["name"]: entry["query"] for entry in container.body.get("computedProperties") or []}
    return _parsed(text, orjson.dumps(body.get("parameters") or []), orjson.dumps(computed))


@lru_cache(maxsize=256)
def _parsed(text: str, parameters: bytes, computed: bytes) -> Query:
    try:
        return Query.parse(text, doubles(orjson.loads(parameters)), definitions=orjson.loads(computed))
    except SqlError as error:
        raise BadRequest(error.message, code=error.code) from error
