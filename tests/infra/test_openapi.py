"""What API Management imports is what the apps answer."""

import json
import re
from typing import Any

import pytest
from fastapi.routing import APIRoute

from functions.audit import data, pages
from infra.openapi_documents import DIRECTORY, Unconvertible, as_3_0, documents

NAMES = ["commands", "queries"]


@pytest.fixture
def stored() -> dict[str, dict[str, Any]]:
    return {name: json.loads((DIRECTORY / f"{name}.json").read_text()) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_document_is_that_of_the_app(name: str, stored: dict[str, dict[str, Any]]) -> None:
    made = json.loads(json.dumps(documents()[name]))
    assert stored[name] == made, "out of date: run python -m infra.openapi_documents"


def test_the_two_documents_share_no_operation(stored: dict[str, dict[str, Any]]) -> None:
    commands, queries = (
        {(path, method) for path, item in stored[name]["paths"].items() for method in item} for name in NAMES
    )
    assert commands
    assert queries
    assert not commands & queries


def test_reads_are_operations_of_the_query_app_and_all_others_of_the_command_app(
    stored: dict[str, dict[str, Any]],
) -> None:
    methods = {name: {method for item in stored[name]["paths"].values() for method in item} for name in NAMES}
    assert methods["queries"] == {"get", "head"}
    assert not methods["commands"] & {"get", "head"}


def test_every_route_of_the_audit_is_an_operation(stored: dict[str, dict[str, Any]]) -> None:
    routes = [route for router in (data.router, pages.router, pages.assets) for route in router.routes]
    paths = {route.path for route in routes if isinstance(route, APIRoute)}
    assert len(paths) == 13
    assert paths <= stored["queries"]["paths"].keys()


@pytest.mark.parametrize(
    "path",
    [
        "/audit",
        "/audit/streams/{stream}",
        "/audit/streams/{stream}/state",
        "/audit/trace",
        "/audit/health",
        "/audit/assets/{name}",
        "/audit/data/streams/{stream}",
        "/audit/data/streams/{stream}/state",
        "/audit/data/streams/{stream}/difference",
        "/audit/data/streams/{stream}/export",
        "/audit/data/trace",
        "/audit/data/health",
    ],
)
def test_the_audit_is_reached_through_the_gateway(stored: dict[str, dict[str, Any]], path: str) -> None:
    item = stored["queries"]["paths"][path]
    assert set(item) == {"get", "head"}
    declared = {each["name"] for each in item["get"]["parameters"] if each["in"] == "path"} if "{" in path else set()
    assert declared == set(re.findall(r"{(\w+)}", path))


def test_schemas_of_one_name_are_the_same_in_both(stored: dict[str, dict[str, Any]]) -> None:
    commands, queries = (stored[name]["components"]["schemas"] for name in NAMES)
    common = set(commands) & set(queries)
    assert "Problem" in common
    assert {name: commands[name] for name in common} == {name: queries[name] for name in common}


def test_operation_ids_are_unique(stored: dict[str, dict[str, Any]]) -> None:
    ids = [o["operationId"] for d in stored.values() for item in d["paths"].values() for o in item.values()]
    assert len(ids) == len(set(ids))


def test_nothing_is_left_that_only_openapi_3_1_knows(stored: dict[str, dict[str, Any]]) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            assert value.get("type") != "null"
            assert not isinstance(value.get("type"), list)
            assert not isinstance(value.get("examples"), list)
            for item in value.values():
                walk(item)

    assert all(document["openapi"] == "3.0.3" for document in stored.values())
    walk(stored)


def document(schema: dict[str, Any]) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {}, "paths": {}, "components": {"schemas": {"It": schema}}}


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"$ref": "#/a"}, {"type": "null"}]},
            {"anyOf": [{"$ref": "#/a"}], "nullable": True},
        ),
        ({"exclusiveMinimum": 0}, {"minimum": 0, "exclusiveMinimum": True}),
        ({"examples": ["alice", "bob"]}, {"example": "alice"}),
        ({"const": "EUR"}, {"enum": ["EUR"]}),
    ],
)
def test_a_newer_schema_is_written_in_the_older_form(newer: dict[str, Any], older: dict[str, Any]) -> None:
    assert as_3_0(document(newer))["components"]["schemas"]["It"] == older


def test_a_schema_without_an_older_form_is_refused() -> None:
    with pytest.raises(Unconvertible, match="prefixItems"):
        as_3_0(document({"prefixItems": [{"type": "string"}]}))
