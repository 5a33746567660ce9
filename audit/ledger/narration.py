"""Narration of the ledger: balances that run, holds whose two ends make one row, stories over two accounts."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from audit.ledger.money import decimal, money
from audit.ledger.sentences import sentence
from audit.ledger.stories import commands, leads_to
from audit.narration import Fact, Narration, Value
from domain.ledger.account import Account, account_stream
from domain.ledger.transfer import Transfer

__all__ = ["NARRATION"]

_AMOUNTS: Final = frozenset(
    {"amount", "balance", "held", "available", "holds.total", "limits.debited", "limits.per_day", "limits.per_debit"}
)


def _figures(aggregate: Any) -> Mapping[str, int]:
    if not isinstance(aggregate, Account):
        return {}
    return {"balance": aggregate.balance, "held": aggregate.held, "available": aggregate.available}


def _unit(aggregate: Any) -> str | None:
    return getattr(aggregate, "asset", None)


def _at_a_glance(aggregate: Any) -> Iterator[Fact]:
    if isinstance(aggregate, Transfer):
        yield Fact("Amount", money(aggregate.amount, aggregate.asset))
        yield Fact("From", aggregate.source, account_stream(aggregate.source))
        yield Fact("To", aggregate.target, account_stream(aggregate.target))


def _part(type_name: str, fields: Mapping[str, Any]) -> tuple[str, bool] | None:
    hold = fields.get("hold_id")
    return None if hold is None else (f"hold {hold}", type_name == Account.HoldPlaced.TOPIC)


def _number(number: int, unit: str | None) -> str:
    return decimal(number, unit or "")


def _amount(number: int, unit: str | None) -> str:
    return money(number, unit or "")


def _shown(name: str, value: Value, unit: str | None) -> str:
    """Amounts with decimals, the minor units beside."""
    if value is None or (name, value) == ("limits.day", date.min.isoformat()):
        return "none"
    if unit and type(value) is int and (name in _AMOUNTS or name.endswith(".amount")):
        return f"{money(value, unit)} ({value})"
    return str(value)


NARRATION: Final = Narration(
    categories=("account", "transfer"),
    sentence=sentence,
    figures=_figures,
    unit=_unit,
    at_a_glance=_at_a_glance,
    part=_part,
    leads_to=leads_to,
    commands=commands,
    number=_number,
    amount=_amount,
    shown=_shown,
)
