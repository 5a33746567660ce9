"""What must be true of a ledger at every instant, whatever happened before and in whatever order."""

from collections import Counter
from typing import Any

from domain.ledger import Account, Transfer
from domain.ledger.account import Status as AccountStatus
from domain.ledger.transfer import Status
from tests.ledger.domain.ledger import Ledger


class Violation(AssertionError):
    """Something that must never be."""


def check(ledger: Ledger) -> None:
    accounts = [ledger.load(stream) for stream in ledger.streams if stream.startswith("account-")]
    transfers = [ledger.load(stream) for stream in ledger.streams if stream.startswith("transfer-")]
    for account in accounts:
        check_account(ledger, account)
    for asset in {account.asset for account in accounts}:
        check_conservation(ledger, [account for account in accounts if account.asset == asset], asset)
    for transfer in transfers:
        check_transfer(ledger, transfer)
    check_reversals(ledger, transfers)


def check_account(ledger: Ledger, account: Account) -> None:
    """Nothing is negative, nothing is left behind in a closed account, no hold ends twice."""
    if min(account.available, account.held, account.limits.debited) < 0:
        raise Violation(f"less than nothing: {account}")
    if account.status is AccountStatus.CLOSED and account.balance:
        raise Violation(f"{account.account_id} closed over {account.balance}")
    ends = (Account.HoldCaptured, Account.HoldReleased)
    ended = Counter(event.hold_id for event in ledger.streams[account.id] if isinstance(event, ends))
    if ended and (max(ended.values()) > 1 or ended.keys() & account.holds.open.keys()):
        raise Violation(f"a hold of {account.account_id} ended more than once: {ended}")


def check_conservation(ledger: Ledger, accounts: list[Account], asset: str) -> None:
    """Available + held, less credits whose capture is to come = deposits - withdrawals - captures to outside."""
    outside: dict[str, Any] = {"asset": asset, "transfer_id": None}
    deposits, captures = (ledger.amounts(kind, **outside) for kind in (Account.FundsCredited, Account.HoldCaptured))
    came_in = deposits - captures - ledger.amounts(Account.FundsDebited, asset=asset)
    credits_of_transfers = ledger.amounts(Account.FundsCredited, asset=asset) - deposits
    to_come = credits_of_transfers - (ledger.amounts(Account.HoldCaptured, asset=asset) - captures)
    holds = [hold for account in accounts for hold in account.holds.open.values()]
    set_aside = sum(hold.amount for hold in holds if hold.transfer_id is not None)
    has = sum(account.available + account.held for account in accounts)
    if has - to_come != came_in or not 0 <= to_come <= set_aside:
        raise Violation(f"{asset} not conserved: {has} less {to_come} to come, but {came_in} came in")


def check_transfer(ledger: Ledger, transfer: Transfer) -> None:
    """Completed: credited and captured, once. Failed: neither, and all that was held is released."""
    kinds = (Account.HoldPlaced, Account.FundsCredited, Account.HoldCaptured, Account.HoldReleased)
    held, credited, captured, released = (ledger.amounts(kind, transfer_id=transfer.transfer_id) for kind in kinds)
    sound = {
        Status.REQUESTED: max(held, credited) <= transfer.amount,
        Status.COMPLETED: held == credited == captured == transfer.amount and not released,
        Status.FAILED: held == released and not credited and not captured,
    }
    if not sound[transfer.status]:
        moved = f"held {held}, credited {credited}, captured {captured}, released {released}"
        raise Violation(f"{transfer.transfer_id} of {transfer.amount} is {transfer.status}: {moved}")


def check_reversals(ledger: Ledger, transfers: list[Transfer]) -> None:
    """The money of a transfer goes back at most once."""
    credited = Counter(
        t.reverses for t in transfers if ledger.amounts(Account.FundsCredited, transfer_id=t.transfer_id)
    )
    twice = [transfer for transfer, times in credited.items() if transfer is not None and times > 1]
    if twice:
        raise Violation(f"reversed more than once: {twice}")
