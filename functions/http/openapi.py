"""The OpenAPI documents: problems as they are answered, and headers that every command answers with."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from functions.http.problems import MEDIA_TYPE

__all__ = ["RouteAnswers", "document", "done", "found"]

_ANY = ("INVALID_REQUEST", "UNAUTHENTICATED", "FORBIDDEN", "INTERNAL_ERROR", "STORE_BUSY", "STORE_UNAVAILABLE")
_ANY_COMMAND = (
    "IDEMPOTENCY_KEY_MISSING",
    "VERSION_MISMATCH",
    "BODY_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "IDEMPOTENCY_KEY_REUSED",
)
_COMMAND_HEADERS = {
    "ETag": {"description": "the stream's version after the command", "schema": {"type": "string"}},
    "Tidemark-Position": {
        "description": "give it to a query, which then waits until its view has this command",
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "true when the key was used before: this is the outcome of that time",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
_LOCATION = {"Location": {"description": "where the new resource is", "schema": {"type": "string"}}}
_TOKEN = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Entra ID token with an app role"}
_PROBLEM_MEMBERS = {
    "type": {"type": "string"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "instance": {"type": "string"},
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457; further members carry the numbers",
    "required": ["type", "title", "status", "detail", "instance", "code"],
}
_CODES = "x-problems"
"""Where a route keeps the codes it may answer, until the document is made, which knows their statuses."""


class RouteAnswers(TypedDict):
    """The part of a route's decorator that says what it answers."""

    status_code: int
    response_model: type[BaseModel]
    responses: dict[int | str, dict[str, Any]]
    openapi_extra: dict[str, Any]


def done(model: type[BaseModel], *codes: str, status: int = 200) -> RouteAnswers:
    """A command that answers `status` with `model`, or one of `codes` beside those that any command may answer."""
    headers = _COMMAND_HEADERS | (_LOCATION if status in (201, 202) else {})
    return {
        "status_code": status,
        "response_model": model,
        "responses": {status: {"headers": headers}},
        "openapi_extra": {_CODES: [*_ANY, *_ANY_COMMAND, *codes]},
    }


def found(model: type[BaseModel], *codes: str) -> RouteAnswers:
    """A query that answers 200 with `model`, or one of `codes` beside those that any query may answer."""
    return {
        "status_code": 200,
        "response_model": model,
        "responses": {},
        "openapi_extra": {_CODES: [*_ANY, *codes]},
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The app's document, made once."""
    if app.openapi_schema is None:
        statuses: Mapping[str, int] = app.state.statuses
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _problem_schema(statuses)
        for name in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(name, None)
        schema["components"]["securitySchemes"] = {"token": _TOKEN}
        for path, operation in _operations(schema):
            if not path.startswith("/health/"):
                operation["security"] = [{"token": []}]
            if "HTTPValidationError" in str(operation["responses"].get("422", "")):
                del operation["responses"]["422"]
            operation["responses"] |= _problems(operation.pop(_CODES, ()), statuses)
        app.openapi_schema = schema
    return app.openapi_schema


def _operations(schema: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(path, operation) for path, methods in schema["paths"].items() for operation in methods.values()]


def _problem_schema(statuses: Mapping[str, int]) -> dict[str, Any]:
    code = {"type": "string", "enum": sorted(statuses)}
    return {**_PROBLEM, "properties": {**_PROBLEM_MEMBERS, "code": code}}


def _problems(codes: Iterable[str], statuses: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    by_status: defaultdict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_status[statuses[code]].append(code)
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        str(status): {"description": ", ".join(sorted(names)), "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, names in sorted(by_status.items())
    }
