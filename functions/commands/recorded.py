"""A request that this program refuses, and the outcome that may be recorded for it all the same.

A schema that was tightened since turns the body of an old key into a 400. So before a request is refused as invalid,
its key is looked up: what was recorded for the same request is answered again. Only requests that are refused pay for
it, two requests to the log.

The handler itself says which stream, which operation and what kind of answer it is. It is called with what came,
unchecked, and with a store that decides nothing.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast, get_args, get_type_hints

from azure.core.exceptions import AzureError
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventstore.commands.store import Command, CommandStore, Outcome
from eventstore.errors import CommandInvalid, CommandReused, NameInvalid, StoreError
from functions.commands.context import CommandContext, Context
from functions.http.dependencies import Dependencies, Injected
from functions.http.problems import Problem, problem_response, validation_problem

__all__ = ["on_validation_error"]

_LOOKED_UP = frozenset({"body", "path"})
"""Where what is wrong may be. Without a key and the rest of the headers there is no command to look up."""


class _NotRecorded(Exception):
    """Nothing is recorded under the key."""


class _Recorded:
    """Stands in for the store: says what became of a command, and decides none."""

    def __init__(self, store: CommandStore) -> None:
        self._store = store
        self.asked = False

    def execute(self, stream: str, command: Command, *_: object, **__: object) -> Outcome:
        self.asked = True
        outcome = self._store.recorded(stream, command)
        if outcome is None:
            raise _NotRecorded
        return outcome


async def on_validation_error(request: Request, error: Exception) -> Response:
    """Answer with the outcome that is recorded for an invalid request, else that it is invalid.

    Raises:
        Problem: the outcome is a refusal.
        StoreError, AzureError: nobody can tell now whether there is one.
    """
    if not isinstance(error, RequestValidationError):
        raise error
    answer = await run_in_threadpool(_recorded_answer, request, error)
    return answer or problem_response(validation_problem(error), request.url.path)


def _recorded_answer(request: Request, error: RequestValidationError) -> Response | None:
    context: CommandContext | None = getattr(request.state, "context", None)
    endpoint: Callable[..., Response] = request.scope["endpoint"]
    places = {fault["loc"][0] for fault in error.errors()}
    if context is None or not places <= _LOOKED_UP or inspect.iscoroutinefunction(endpoint):
        return None
    services: Dependencies = request.app.state.services
    store = _Recorded(services.store)
    quiet = replace(services, store=cast(CommandStore, store), on_outcome=lambda *_: None)
    try:
        return endpoint(**_arguments(endpoint, request.path_params, context, quiet))
    except (_NotRecorded, CommandReused, CommandInvalid, NameInvalid):
        return None
    except (Problem, StoreError, AzureError):
        raise
    except Exception:
        if store.asked:
            raise
        return None  # the handler could make no command of what came, so none was recorded in this form


def _arguments(
    endpoint: Callable[..., Any], path: Mapping[str, str], context: CommandContext, services: Dependencies
) -> dict[str, Any]:
    """What the framework would have given to a handler, checked or not."""
    given: dict[Any, Any] = {Context: context, Injected: services}
    hints = get_type_hints(endpoint, include_extras=True)
    return {
        name: given[hint] if hint in given else _of_path(hint, path[name]) if name in path else _of_body(hint, context)
        for name, hint in hints.items()
        if name != "return"
    }


def _of_path(hint: Any, text: str) -> Any:
    try:
        return TypeAdapter(hint).validate_python(text)
    except ValidationError:
        return text


def _of_body(hint: Any, context: CommandContext) -> BaseModel | None:
    """A model of what came, with None for what it requires and did not come; None where a body is optional."""
    choices = get_args(hint) or (hint,)
    if not context.came and type(None) in choices:
        return None
    model: type[BaseModel] = choices[0]
    missing = {name: None for name, field in model.model_fields.items() if field.is_required()}
    return model.model_construct(**(missing | dict(context.came)))
