"""Commands on accounts: parse, hand to the ledger, answer."""

from fastapi import APIRouter
from starlette.responses import Response

from domain.ledger.account import Account, account_stream
from domain.ledger.existence import require_no_account
from eventstore.commands.store import Outcome
from functions.commands.context import Context, derived_id
from functions.commands.responses import respond
from functions.http.auth import require
from functions.http.dependencies import Injected
from functions.http.fields import WithReason
from functions.http.openapi import done
from functions.ledger.commands.execution import execute
from functions.ledger.commands.responses import AccountAnswer, account_facts
from functions.ledger.commands.schemas import Deposit, OpenAccount, SetLimits, Withdraw
from functions.ledger.fields import AccountId

__all__ = ["AccountId", "execute", "router"]

router = APIRouter(tags=["accounts"], dependencies=[require("command")])


_CREDIT = ("ACCOUNT_NOT_FOUND", "ACCOUNT_CLOSED", "BALANCE_TOO_LARGE")
DEBIT = ("ACCOUNT_NOT_FOUND", "ACCOUNT_CLOSED", "ACCOUNT_FROZEN", "LIMIT_EXCEEDED", "INSUFFICIENT_FUNDS")


@router.post("/accounts", **done(AccountAnswer, "ACCOUNT_EXISTS", status=201))
def open_account(body: OpenAccount, services: Injected, context: Context) -> Response:
    """Open an account of one asset, empty."""
    owner = body.owner or body.account_id
    said = services.personal.of_owner(owner, body, key=context.command_id, new=True)

    def decide(account: Account | None) -> Account:
        require_no_account(account)
        return Account.open(body.account_id, asset=body.asset, owner=owner, name=said.of(owner).name, at=context.at)

    outcome = services.store.execute(
        account_stream(body.account_id),
        context.command("OpenAccount", said, claimed_in=account_stream(derived_id(context, "account"))),
        decide,
        answer=account_facts,
        expected_version=context.expected_version,
    )
    services.on_outcome("OpenAccount", said.body, outcome)
    return respond(outcome, status=201, location=f"/accounts/{body.account_id}")


@router.post("/accounts/{account_id}/deposits", **done(AccountAnswer, *_CREDIT, status=201))
def deposit(account_id: AccountId, body: Deposit, services: Injected, context: Context) -> Response:
    """Money comes in from outside."""

    def change(account: Account, said: Deposit) -> None:
        account.deposit(said.amount, reference=said.reference, effective_date=said.effective_date, at=context.at)

    outcome = execute(services, context, "Deposit", account_id, change, body)
    return respond(outcome, status=201, location=_entry(account_id, outcome))


@router.post("/accounts/{account_id}/withdrawals", **done(AccountAnswer, *DEBIT, status=201))
def withdraw(account_id: AccountId, body: Withdraw, services: Injected, context: Context) -> Response:
    """Money leaves to outside, never more than is available."""

    def change(account: Account, said: Withdraw) -> None:
        account.withdraw(said.amount, reference=said.reference, effective_date=said.effective_date, at=context.at)

    outcome = execute(services, context, "Withdraw", account_id, change, body)
    return respond(outcome, status=201, location=_entry(account_id, outcome))


@router.post("/accounts/{account_id}/freeze", **done(AccountAnswer, "ACCOUNT_NOT_FOUND", "ACCOUNT_CLOSED"))
def freeze(account_id: AccountId, body: WithReason, services: Injected, context: Context) -> Response:
    """No new debits and holds; credits and what is held already go on."""

    def change(account: Account, said: WithReason) -> None:
        account.freeze(reason=said.reason, at=context.at)

    return respond(execute(services, context, "Freeze", account_id, change, body))


@router.post("/accounts/{account_id}/unfreeze", **done(AccountAnswer, "ACCOUNT_NOT_FOUND", "ACCOUNT_CLOSED"))
def unfreeze(account_id: AccountId, body: WithReason, services: Injected, context: Context) -> Response:
    """Debits and holds again."""

    def change(account: Account, said: WithReason) -> None:
        account.unfreeze(reason=said.reason, at=context.at)

    return respond(execute(services, context, "Unfreeze", account_id, change, body))


@router.put("/accounts/{account_id}/limits", **done(AccountAnswer, "ACCOUNT_NOT_FOUND", "ACCOUNT_CLOSED"))
def set_limits(account_id: AccountId, body: SetLimits, services: Injected, context: Context) -> Response:
    """Replace both limits on debits and holds; one that is absent is lifted."""

    def change(account: Account, said: SetLimits) -> None:
        account.set_limits(per_debit=said.per_debit, per_day=said.per_day, at=context.at)

    return respond(execute(services, context, "SetLimits", account_id, change, body))


@router.post("/accounts/{account_id}/close", **done(AccountAnswer, "ACCOUNT_NOT_FOUND", "ACCOUNT_NOT_EMPTY"))
def close(account_id: AccountId, body: WithReason, services: Injected, context: Context) -> Response:
    """Nothing any more; needs a balance of zero and no open hold."""

    def change(account: Account, said: WithReason) -> None:
        account.close(reason=said.reason, at=context.at)

    return respond(execute(services, context, "Close", account_id, change, body))


def _entry(account_id: str, outcome: Outcome) -> str:
    return f"/accounts/{account_id}/statement/{outcome.version}"
