"""Responses of the ledger's commands."""

from typing import Any

from pydantic import BaseModel, Field

from domain.ledger.account import Account


class AccountAnswer(BaseModel):
    """The account right after the command; amounts in minor units of the asset."""

    account_id: str
    version: int = Field(ge=1, description="of the account's stream; also the ETag")
    asset: str
    balance: int
    available: int = Field(description="balance less what holds set aside")
    status: str


def account_facts(account: Account) -> dict[str, Any]:
    """The facts kept with the command, so that a repeat years later answers the same."""
    return {
        "account_id": account.account_id,
        "asset": account.asset,
        "balance": account.balance,
        "available": account.available,
        "status": account.status.value,
    }
