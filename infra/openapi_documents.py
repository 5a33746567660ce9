"""The OpenAPI documents that API Management imports, made from the two apps: python -m infra.openapi_documents.

API Management imports OpenAPI 3.0 in full and 3.1 only in part
(https://learn.microsoft.com/azure/api-management/api-management-api-import-restrictions), and routes an operation only
if the document has it. So the apps' 3.1 documents are written down as 3.0.3, with a HEAD beside every GET, with the
audit's pages, which are no part of the API, and without the apps' own health.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from fastapi.routing import APIRoute

from functions.audit import AuditDesk, data, pages
from functions.commands.app import create_commands
from functions.http.dependencies import Dependencies
from functions.http.liveness import Requests
from functions.queries.app import create_queries
from functions.settings import Settings
from service import SERVICE

__all__ = ["DIRECTORY", "Unconvertible", "as_3_0", "documents", "main"]

DIRECTORY: Final = Path(__file__).parent / "terraform" / "openapi"

_HEALTH: Final = "/health"  # for whoever runs the apps, not for callers


class Unconvertible(Exception):
    """A schema has no form in OpenAPI 3.0; the message shows it."""


def documents() -> dict[str, dict[str, Any]]:
    """The documents by app, as they belong into DIRECTORY."""
    # An app's document depends on its routes alone, so that nothing has to be reachable here.
    services = cast(Dependencies, SimpleNamespace(settings=Settings(auth="none"), requests=Requests()))
    made = {
        "commands": create_commands(SERVICE, services).openapi(),
        "queries": create_queries(SERVICE, services, cast(AuditDesk, SimpleNamespace())).openapi(),
    }
    made["queries"]["paths"] |= _pages()
    return {name: as_3_0(document) for name, document in made.items()}


def _pages() -> dict[str, Any]:
    """The audit's routes that the app's own document leaves out: pages, their style sheet and script, downloads."""
    routes = [route for router in (pages.router, pages.assets, data.router) for route in router.routes]
    return {
        route.path: {"get": _page(route)}
        for route in routes
        if isinstance(route, APIRoute) and not route.include_in_schema
    }


def _page(route: APIRoute) -> dict[str, Any]:
    return {
        "operationId": f"{route.name}_page",
        "summary": route.name.replace("_", " ").capitalize(),
        "description": route.description,
        "tags": ["audit"],
        "parameters": [
            {"name": field.alias, "in": "path", "required": True, "schema": {"type": "string"}}
            for field in route.dependant.path_params
        ],
        "responses": {"200": {"description": "a page, or a file for it"}},
    }


def main() -> None:
    for name, document in documents().items():
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        (DIRECTORY / f"{name}.json").write_text(text, encoding="utf-8")


def as_3_0(document: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenAPI 3.1 document as 3.0.3. Raises Unconvertible."""
    paths = {path: _schema(item) for path, item in document["paths"].items() if not path.startswith(_HEALTH)}
    for item in paths.values():
        for operation in item.values():
            operation.pop("security", None)  # the gateway's policy checks tokens
        if "get" in item:
            item["head"] = item["get"] | {"operationId": item["get"]["operationId"] + "_head"}
    return {
        "openapi": "3.0.3",
        "info": document["info"],
        "paths": paths,
        "components": {"schemas": _schema(document["components"]["schemas"])},
    }


def _schema(value: Any) -> Any:
    if isinstance(value, list):
        return [_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    converted = {name: _schema(item) for name, item in value.items()}
    if isinstance(converted.get("anyOf"), list):
        _nullable(converted)
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(converted.get(bound), int | float) and not isinstance(converted[bound], bool):
            converted |= {limit: converted[bound], bound: True}
    if isinstance(converted.get("examples"), list):
        converted["example"] = converted.pop("examples")[0]
    if "const" in converted and not isinstance(converted["const"], dict):
        converted["enum"] = [converted.pop("const")]
    if isinstance(converted.get("type"), list) or "prefixItems" in converted or "patternProperties" in converted:
        raise Unconvertible(f"no OpenAPI 3.0 form for {json.dumps(value)[:300]}")
    return converted


def _nullable(schema: dict[str, Any]) -> None:
    """Replace `{"type": "null"}` among the alternatives, in place."""
    others = [option for option in schema["anyOf"] if option != {"type": "null"}]
    if len(others) == len(schema["anyOf"]):
        return
    schema["nullable"] = True
    if len(others) == 1 and "$ref" not in others[0]:
        del schema["anyOf"]
        schema |= others[0]
    else:
        schema["anyOf"] = others


if __name__ == "__main__":
    main()
