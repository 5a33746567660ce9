"""The ledger over HTTP: routers of its commands and queries, and the statuses of its refusals."""

from typing import Final

from fastapi import APIRouter

from functions.ledger.commands import accounts as account_commands
from functions.ledger.commands import holds as hold_commands
from functions.ledger.commands import transfers as transfer_commands
from functions.ledger.health import HEALTH
from functions.ledger.lines import outcome_line
from functions.ledger.queries import accounts as account_queries
from functions.ledger.queries import holds as hold_queries
from functions.ledger.queries import totals as total_queries
from functions.ledger.queries import transfers as transfer_queries
from functions.ledger.refusals import REFUSALS

__all__ = ["COMMANDS", "HEALTH", "QUERIES", "REFUSALS", "outcome_line"]

COMMANDS: Final[tuple[APIRouter, ...]] = (account_commands.router, hold_commands.router, transfer_commands.router)
QUERIES: Final[tuple[APIRouter, ...]] = (
    account_queries.router,
    hold_queries.router,
    transfer_queries.router,
    total_queries.router,
)
