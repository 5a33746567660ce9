"""The line that a local run prints for each command."""

import pytest
from pydantic import BaseModel

from audit.ledger.money import money
from devkit.report import CommandReport
from eventstore.commands.store import Outcome, Refusal
from functions.http.fields import WithReason
from functions.ledger.commands.schemas import Deposit, Withdraw
from functions.ledger.lines import outcome_line
from service import SERVICE

FACTS = {"asset": "EUR/2", "balance": 500}


def outcome(version: int = 4, refusal: Refusal | None = None, *, replayed: bool = False) -> Outcome:
    return Outcome("account-alice", version, "token", replayed, FACTS, refusal, 1)


@pytest.mark.parametrize(
    ("operation", "body", "line"),
    [
        ("Deposit", Deposit(amount=500), "201 Deposit alice v4 +5.00 EUR"),
        ("Withdraw", Withdraw(amount=123_456), "201 Withdraw alice v4 -1,234.56 EUR"),
        ("Freeze", WithReason(reason="why"), "200 Freeze alice v4"),
        ("ReleaseHold 3", None, "200 ReleaseHold alice v4"),
    ],
)
def test_a_line_says_what_happened_to_whom(operation: str, body: BaseModel | None, line: str) -> None:
    assert outcome_line(operation, body, outcome()) == line


def test_a_refusal_says_its_status_and_reason() -> None:
    refused = outcome(refusal=Refusal("INSUFFICIENT_FUNDS", "9 EUR/2 asked, 5 available"), replayed=True)
    line = "422 Withdraw alice: 9 EUR/2 asked, 5 available  (replayed)"
    assert outcome_line("Withdraw", Withdraw(amount=9), refused) == line


@pytest.mark.parametrize(
    ("amount", "asset", "text"), [(5, "EUR/2", "0.05 EUR"), (7, "JPY/0", "7 JPY"), (1_500, "BTC/8", "0.00001500 BTC")]
)
def test_money_is_written_with_its_decimals(amount: int, asset: str, text: str) -> None:
    assert money(amount, asset) == text


def test_more_commands_than_lines_can_be_read_are_counted_instead() -> None:
    lines: list[str] = []
    report = CommandReport(SERVICE, lines.append)
    for _ in range(100):
        report.outcome("Deposit", Deposit(amount=500), outcome())
    report.close()
    assert lines[-1] == "… and 80 more commands"
    assert len(lines) == 21
