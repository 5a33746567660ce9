"""Transfers that are given up, and transfers that are reversed."""

from domain.ledger import account_stream, next_step
from domain.ledger.account import Status as AccountStatus
from tests.ledger.domain.bank import account, change, request_reversal, transfer
from tests.ledger.domain.ledger import Ledger
from tests.ledger.domain.scenario import NOON


def test_giving_up_before_the_hold_moves_nothing(ledger: Ledger) -> None:
    assert ledger.drive("t1", NOON, give_up=True) == ["hold: TRANSFER_GIVEN_UP", "fail"]
    assert account(ledger, "alice") == (500, 0)


def test_giving_up_after_the_hold_releases_it(ledger: Ledger) -> None:
    ledger.run(next_step(ledger.progress("t1")), NOON)
    assert ledger.drive("t1", NOON, give_up=True) == ["hold", "credit: TRANSFER_GIVEN_UP", "release", "fail"]
    assert account(ledger, "alice") == (500, 0)
    assert account(ledger, "bob") == (0, 0)


def test_giving_up_after_the_credit_completes_the_transfer(ledger: Ledger) -> None:
    progress = ledger.progress("t1")
    for _ in range(2):
        step = next_step(progress)
        progress = progress.after(step, ledger.run(step, NOON))
    assert ledger.drive("t1", NOON, give_up=True) == ["hold", "credit", "capture", "complete"]


def test_a_credit_that_arrives_after_the_transfer_was_given_up_is_refused(ledger: Ledger) -> None:
    progress = ledger.progress("t1")
    held = next_step(progress)
    delayed = next_step(progress.after(held, ledger.run(held, NOON)))
    ledger.drive("t1", NOON, give_up=True)
    assert ledger.run(delayed, NOON) == "TRANSFER_GIVEN_UP"
    assert account(ledger, "bob") == (0, 0)


def test_a_reversal_moves_the_money_back(ledger: Ledger) -> None:
    ledger.drive("t1", NOON)
    request_reversal(ledger, "r1")
    assert ledger.drive("r1", NOON) == ["claim", "hold", "credit", "capture", "complete"]
    assert account(ledger, "alice") == (500, 0)
    assert account(ledger, "bob") == (0, 0)
    assert transfer(ledger, "t1").reversed_by == "r1"


def test_of_two_reversals_the_later_claim_fails(ledger: Ledger) -> None:
    ledger.drive("t1", NOON)
    change(ledger, "bob", lambda a: a.deposit(500, at=NOON))
    request_reversal(ledger, "r1")
    request_reversal(ledger, "r2")
    ledger.run(next_step(ledger.progress("r2")), NOON)
    assert ledger.drive("r1", NOON) == ["claim: ALREADY_REVERSED", "fail"]
    assert ledger.drive("r2", NOON)[-1] == "complete"
    assert account(ledger, "alice") == (500, 0)


def test_a_reversal_that_fails_gives_its_claim_back(ledger: Ledger) -> None:
    ledger.drive("t1", NOON)
    change(ledger, "bob", lambda a: a.withdraw(1, at=NOON))
    request_reversal(ledger, "r1")
    assert ledger.drive("r1", NOON) == ["claim", "hold: INSUFFICIENT_FUNDS", "unclaim", "fail"]
    assert transfer(ledger, "t1").reversed_by is None
    change(ledger, "bob", lambda a: a.deposit(1, at=NOON))
    request_reversal(ledger, "r2")
    assert ledger.drive("r2", NOON)[-1] == "complete"


def test_a_reversal_releases_its_hold_before_its_claim(ledger: Ledger) -> None:
    ledger.drive("t1", NOON)
    change(ledger, "alice", lambda a: a.close(reason="owner left", at=NOON))
    assert ledger.load(account_stream("alice")).status is AccountStatus.CLOSED
    request_reversal(ledger, "r1")
    assert ledger.drive("r1", NOON) == ["claim", "hold", "credit: ACCOUNT_CLOSED", "release", "unclaim", "fail"]


def test_a_transfer_cannot_reverse_itself(ledger: Ledger) -> None:
    request_reversal(ledger, "r1", reverses="r1")
    assert ledger.drive("r1", NOON) == ["claim: TRANSFER_NOT_COMPLETED", "fail"]


def test_a_step_on_a_transfer_that_is_not_there_is_refused(ledger: Ledger) -> None:
    request_reversal(ledger, "r1", reverses="t9")
    assert ledger.drive("r1", NOON) == ["claim: TRANSFER_NOT_FOUND", "fail"]
