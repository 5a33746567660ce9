"""Lines of the ledger: a command and its outcome as a local run prints them.

201 Deposit alice v4 +5.00 EUR
"""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from audit.ledger.money import money
from eventstore.commands.store import Outcome
from functions.ledger.refusals import REFUSALS

__all__ = ["outcome_line"]

_ANSWERS: Final[Mapping[str, int]] = {
    "OpenAccount": 201,
    "Deposit": 201,
    "Withdraw": 201,
    "PlaceHold": 201,
    "RequestTransfer": 202,
}
_SIGNS: Final[Mapping[str, str]] = {"Deposit": "+", "Withdraw": "-"}


def outcome_line(operation: str, body: BaseModel | None, outcome: Outcome) -> str:
    """The command in one line: status, operation, whose, and what it came to."""
    head = f"{operation.split(' ')[0]} {outcome.stream.partition('-')[2]}"
    if outcome.refusal is not None:
        line = f"{REFUSALS[outcome.refusal.code]} {head}: {outcome.refusal.message}"
    else:
        line = f"{_ANSWERS.get(operation, 200)} {head} v{outcome.version}"
        amount = getattr(body, "amount", None)
        if amount is not None:
            line += f" {_SIGNS.get(operation, '')}{money(amount, outcome.answer['asset'])}"
    return line + ("  (replayed)" if outcome.replayed else "")
