"""Cosmos DB's data roles on this machine: a client that may do what roles.json grants its role, and no more.

Which action a request needs: https://learn.microsoft.com/azure/cosmos-db/nosql/reference-data-plane-security
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson
from azure.cosmos import CosmosClient

from eventstore.cosmos.client import connect
from eventstore.cosmos.settings import CosmosSettings
from localazure.cosmos import LocalCosmos
from localazure.cosmos.protocol.message import Request, Response
from localazure.cosmos.transport import InProcessTransport
from tests.infra.paths import TERRAFORM

Roles = dict[str, dict[str, list[str]]]
ROLES: Final[Roles] = json.loads((TERRAFORM / "modules" / "cosmos" / "roles.json").read_text())

_METADATA = re.compile(r"/?|/dbs/[^/]+/?|/dbs/[^/]+/colls/[^/]+/?|/dbs/[^/]+/colls/[^/]+/pkranges/?")
_ITEMS = re.compile(r"/dbs/[^/]+/colls/(?P<container>[^/]+)/docs(?:/(?P<item>[^/]+))?/?")


class Account:
    """`denied` collects what a client was refused: "container: action"."""

    def __init__(self, cosmos: LocalCosmos, roles: Roles = ROLES) -> None:
        self._cosmos = cosmos
        self._roles = roles
        self.denied: list[str] = []

    def client(self, role: str) -> CosmosClient:
        grants = self._roles[role]

        def exchange(request: Request) -> Response:
            missing = [f"{c}: {a}" for c, a in needed(request) if c and a not in grants.get(c, [])]
            if not missing:
                return self._cosmos.exchange(request)
            self.denied += missing
            body = {"code": "Forbidden", "message": f"{role} may not {', '.join(missing)}"}
            return Response(403, orjson.dumps(body), {"content-type": "application/json", "x-ms-substatus": "5301"})

        settings = CosmosSettings(endpoint=self._cosmos.endpoint, key=self._cosmos.key)
        return connect(settings, transport=InProcessTransport(exchange))


def needed(request: Request) -> Iterator[tuple[str | None, str]]:
    """(container, action) pairs; no container for what every identity may read of the account."""
    if request.method == "GET" and _METADATA.fullmatch(request.path):
        yield None, "readMetadata"
        return
    target = _ITEMS.fullmatch(request.path)
    if target is None:
        raise AssertionError(f"no data role covers {request.method} {request.path}")
    container = target["container"]
    for action in _actions(request, target["item"] is not None):
        yield container, action


def _actions(request: Request, one_item: bool) -> list[str]:
    match request.method:
        case "GET":
            return ["read"] if one_item else ["readChangeFeed"]
        case "PUT" | "PATCH":
            return ["replace"]
        case "DELETE":
            return ["delete"]
    if _flag(request, "x-ms-documentdb-isquery") or _flag(request, "x-ms-cosmos-is-query-plan-request"):
        return ["executeQuery", "readChangeFeed"]
    if _flag(request, "x-ms-cosmos-is-batch-request"):
        operations: list[dict[str, Any]] = orjson.loads(request.body)
        return sorted({_of_operation(operation["operationType"].lower()) for operation in operations})
    return ["upsert"] if _flag(request, "x-ms-documentdb-is-upsert") else ["create"]


def _of_operation(kind: str) -> str:
    return "replace" if kind == "patch" else kind


def _flag(request: Request, name: str) -> bool:
    return request.headers.get(name, "").lower() == "true"
