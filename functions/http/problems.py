"""Every error as RFC 9457 problem+json, and the table that gives each code its HTTP status.

Problem                 raised by handlers: a code of STATUS or of the domain's refusals, a sentence, and the numbers
                        as extension members
StoreError              the event store's tree (busy, key reused, version mismatch, too large)
RequestValidationError  the framework's own: malformed body, header, path or query -> 400
HTTPException           the framework's own: 404, 405, 413 -> the same status
AzureError              the database throttles, cannot be reached, or answers no -> 503
anything else           logged with its traceback, answered as 500 without a word of it
"""

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from azure.core.exceptions import AzureError
from azure.cosmos.exceptions import CosmosHttpResponseError
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import InvalidCommand
from eventstore.errors import (
    CommandInvalid,
    CommandReused,
    InvalidPosition,
    KeysUnavailable,
    NameInvalid,
    StoreBusy,
    StoreError,
    StoreUnavailable,
    VersionMismatch,
)
from projectors.errors import BadCursor, ProjectionError, Unavailable

__all__ = ["MEDIA_TYPE", "STATUS", "Problem", "install", "problem_response", "validation_problem"]

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[str, int] = {
    "INVALID_REQUEST": 400,
    "IDEMPOTENCY_KEY_MISSING": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "VERSION_MISMATCH": 412,
    "BODY_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "IDEMPOTENCY_KEY_REUSED": 422,
    "INTERNAL_ERROR": 500,
    "STORE_BUSY": 503,
    "STORE_UNAVAILABLE": 503,
    "VIEW_BEHIND": 503,
}

_FRAMEWORK_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "BODY_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}
_STANDARD_MEMBERS = frozenset({"type", "title", "status", "detail", "instance", "code"})
_RETRY_SECONDS = "1"

_log = logging.getLogger(__name__)


class Problem(Exception):
    """An answer that is not a success. `details` become extension members beside the standard ones."""

    def __init__(
        self,
        code: str,
        detail: str,
        details: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.details = dict(details or {})
        self.headers = dict(headers or {})


def problem_response(problem: Problem, instance: str, statuses: Mapping[str, int] = STATUS) -> Response:
    """The problem as an answer; `statuses` has the domain's refusals beside the general codes."""
    status = statuses[problem.code]
    body = {
        "type": "urn:tidemark:problem:" + problem.code.lower().replace("_", "-"),
        "title": problem.code.replace("_", " ").capitalize(),
        "status": status,
        "detail": problem.detail,
        "instance": instance,
        "code": problem.code,
    }
    body |= {name: value for name, value in problem.details.items() if name not in _STANDARD_MEMBERS}
    headers = dict(problem.headers)
    if status == 503:
        headers.setdefault("Retry-After", _RETRY_SECONDS)
    if status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return Response(orjson.dumps(body), status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI, refusals: Mapping[str, int]) -> None:
    """Make `app` answer every error, its framework's included, as a problem.

    `refusals` maps the codes of a domain's refusals to HTTP statuses. The commands app has its own answer to invalid
    requests: `functions.commands.recorded`.
    """
    app.state.statuses = {**STATUS, **refusals}
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(InvalidCommand, _on_invalid_command)
    app.add_exception_handler(StoreError, _on_store_error)
    app.add_exception_handler(ProjectionError, _on_projection_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(AzureError, _on_azure_error)
    app.add_middleware(LastResort)


async def _on_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return problem_response(error, request.url.path, request.app.state.statuses)


async def _on_invalid_command(request: Request, error: Exception) -> Response:
    if not isinstance(error, InvalidCommand):
        raise error
    return problem_response(Problem("INVALID_REQUEST", error.message, error.details), request.url.path)


async def _on_store_error(request: Request, error: Exception) -> Response:
    match error:
        case CommandReused():
            problem = Problem("IDEMPOTENCY_KEY_REUSED", str(error))
        case VersionMismatch():
            problem = Problem("VERSION_MISMATCH", str(error))
        case StoreBusy():
            problem = Problem("STORE_BUSY", str(error))
        case StoreUnavailable() | KeysUnavailable():
            problem = Problem("STORE_UNAVAILABLE", str(error))
        case CommandInvalid() | NameInvalid() | InvalidPosition():
            problem = Problem("INVALID_REQUEST", str(error))
        case _:
            problem = _unexpected(request.scope, error)
    return problem_response(problem, request.url.path)


async def _on_projection_error(request: Request, error: Exception) -> Response:
    match error:
        case BadCursor():
            problem = Problem("INVALID_REQUEST", str(error))
        case Unavailable():
            problem = Problem("STORE_UNAVAILABLE", str(error))
        case _:
            problem = _unexpected(request.scope, error)
    return problem_response(problem, request.url.path)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem_response(validation_problem(error), request.url.path)


def validation_problem(error: RequestValidationError) -> Problem:
    # The values themselves are left out: an answer must not repeat what may be personal or a secret.
    faults = [{"at": _place(fault["loc"]), "problem": fault["msg"]} for fault in error.errors()]
    if any(f["type"] == "missing" and f["loc"] == ("header", "Idempotency-Key") for f in error.errors()):
        detail = "a command needs an Idempotency-Key header: 1 to 255 printable characters without '/'"
        return Problem("IDEMPOTENCY_KEY_MISSING", detail)
    detail = "; ".join(f"{fault['at']}: {fault['problem']}" for fault in faults[:3])
    return Problem("INVALID_REQUEST", detail, {"errors": faults})


def _place(location: tuple[str | int, ...]) -> str:
    return ".".join(str(part) for part in location)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = _FRAMEWORK_CODES.get(error.status_code, "INVALID_REQUEST")
    detail = {
        "NOT_FOUND": f"no resource at {request.url.path}",
        "METHOD_NOT_ALLOWED": f"{request.method} is not possible here",
    }.get(code, str(error.detail))
    return problem_response(Problem(code, detail, headers=error.headers), request.url.path)


async def _on_azure_error(request: Request, error: Exception) -> Response:
    if isinstance(error, CosmosHttpResponseError) and error.status_code == 429:
        detail = "the database throttles its requests: send the same request again a little later"
        return problem_response(Problem("STORE_BUSY", detail), request.url.path)
    _log.error("the database did not serve %s %s", request.method, request.url.path, exc_info=error)
    detail = "the database cannot be reached or refused the request; the same request may be sent again"
    return problem_response(Problem("STORE_UNAVAILABLE", detail), request.url.path)


def _unexpected(scope: Scope, error: Exception) -> Problem:
    _log.error("unexpected failure in %s %s", scope["method"], scope["path"], exc_info=error)
    return Problem(
        "INTERNAL_ERROR", "the service failed; the same request may be sent again with the same Idempotency-Key"
    )


class LastResort:
    """ASGI middleware that lets no exception out.

    The framework's own handler for them answers and raises again, and an exception that leaves the app is a failed
    invocation for the Functions host, which then answers in its own way.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def observe(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, observe)
        except Exception as error:
            problem = _unexpected(scope, error)
            if started:
                raise
            await problem_response(problem, scope["path"])(scope, receive, send)
