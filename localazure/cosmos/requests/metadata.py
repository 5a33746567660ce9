"""Answers about metadata: feeds of databases, containers and offers, and queries over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from localazure.cosmos.protocol.errors import BadRequest, PreconditionFailed
from localazure.cosmos.protocol.message import Response, json_bytes
from localazure.cosmos.requests.call import Call
from localazure.cosmos.sql import Query, SqlError
from localazure.cosmos.storage import charges


def body_of(call: Call) -> dict[str, Any]:
    """The JSON object in a request."""
    try:
        body = orjson.loads(call.request.body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object.")
    return body


def entity(call: Call, body: Mapping[str, Any], status: int = 200) -> Response:
    """One metadata resource; 304 when the client's version is still the current one."""
    if status == 200 and call.request.method == "GET":
        call.charge = charges.METADATA_READ
        if call.header("if-none-match") in (body["_etag"], "*"):
            return Response(304, b"", {"etag": body["_etag"]})
    else:
        call.charge = charges.METADATA_WRITE
    return Response(status, json_bytes(body), {"etag": body["_etag"]})


def check_match(call: Call, body: Mapping[str, Any]) -> None:
    """Honour If-Match on a metadata write."""
    expected = call.header("if-match")
    if expected and expected not in ("*", body["_etag"]):
        raise PreconditionFailed("One of the specified pre-condition is not met: the resource has another etag.")


def feed(call: Call, name: str, rid: str, bodies: Iterable[Mapping[str, Any]]) -> Response:
    """A page of a feed of metadata resources, after the query in the request if there is one."""
    rows: list[Any] = list(bodies)
    if call.request.method == "POST":
        request = body_of(call)
        try:
            rows = list(Query.parse(request.get("query", ""), request.get("parameters") or ()).evaluate(rows))
        except SqlError as error:
            raise BadRequest(error.message, code=error.code) from error
    start = call.header("x-ms-continuation")
    first = int(start) if start.isdigit() else 0
    size = call.header("x-ms-max-item-count")
    last = first + int(size) if size.isdigit() and int(size) > 0 else len(rows)
    call.charge = charges.METADATA_READ
    page = rows[first:last]
    headers = {"x-ms-item-count": str(len(page))}
    if last < len(rows):
        headers["x-ms-continuation"] = str(last)
    return Response(200, json_bytes({"_rid": rid, name: page, "_count": len(page)}), headers)
