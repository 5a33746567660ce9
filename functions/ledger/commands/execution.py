"""Execution of a command on an account."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

from domain.ledger.account import Account, account_stream
from domain.ledger.existence import require_account
from eventstore.commands.store import Outcome
from functions.commands.context import CommandContext
from functions.http.dependencies import Dependencies
from functions.http.personal import Said
from functions.ledger.commands.responses import account_facts

B = TypeVar("B", bound=BaseModel | None)


def execute(
    services: Dependencies,
    context: CommandContext,
    operation: str,
    account_id: str,
    change: Callable[[Account, B], None],
    body: B,
    *,
    answer: Callable[[Account], dict[str, Any]] = account_facts,
) -> Outcome:
    """Run `change` on the account as one command. `operation` with its target is part of the command's fingerprint.

    `change` gets the body with its personal texts encrypted; nothing else of a body goes into events.
    """

    def run(said: Said[B]) -> Outcome:
        def decide(account: Account | None) -> Account:
            account = require_account(account, account_id)
            change(account, said.of(account.owner))
            return account

        outcome = services.store.execute(
            account_stream(account_id),
            context.command(operation, said, reason=said.reason),
            decide,
            answer=answer,
            expected_version=context.expected_version,
        )
        services.on_outcome(operation, said.body, outcome)
        return outcome

    said = services.personal.of_stream(account_stream(account_id), body, key=context.command_id)
    return services.personal.run(said, run, body, key=context.command_id)
