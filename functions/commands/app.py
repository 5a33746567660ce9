"""The command side of the HTTP API: everything that can change the ledger, and nothing that reads it."""

from fastapi import FastAPI

from functions.http.app import create
from functions.http.dependencies import Services
from functions.ledger.commands import accounts, holds, transfers

__all__ = ["create_app"]


def create_app(services: Services) -> FastAPI:
    return create(
        "Tidemark commands",
        "Every command carries an Idempotency-Key: one key, one outcome, forever. Amounts are integers in minor units.",
        services,
        [accounts.router, holds.router, transfers.router],
    )
