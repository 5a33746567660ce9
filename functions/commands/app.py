"""The command side of the HTTP API: everything that can change an aggregate, and nothing that reads a view."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from functions.commands.recorded import on_validation_error
from functions.http.app import create
from functions.http.dependencies import Dependencies
from functions.service import Service

__all__ = ["create_commands"]


def create_commands(service: Service, services: Dependencies) -> FastAPI:
    """The app of commands; its routes are the domain's."""
    app = create(
        "Tidemark commands",
        "Every command carries an Idempotency-Key: one key, one outcome, forever. " + service.about,
        services,
        service.commands,
        service.refusals,
    )
    app.add_exception_handler(RequestValidationError, on_validation_error)
    return app
