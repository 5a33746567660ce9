"""The steps of a transfer: in order, undone when refused, each of them run as often as anybody likes."""

import copy
from typing import Any

import pytest

from domain.errors import InvalidId
from domain.ledger import (
    Account,
    AccountStep,
    Progress,
    StepRefused,
    Transfer,
    TransferStep,
    next_step,
    transfer_stream,
)
from domain.ledger.transfer import Status
from domain.ledger.transfer_process import Action
from tests.ledger.domain.bank import account, change, failure, open_account, request, transfer
from tests.ledger.domain.ledger import Ledger
from tests.ledger.domain.scenario import NOON


def test_a_transfer_moves_its_money(ledger: Ledger) -> None:
    assert ledger.drive("t1", NOON) == ["hold", "credit", "capture", "complete"]
    assert account(ledger, "alice") == (0, 0)
    assert account(ledger, "bob") == (500, 0)
    assert transfer(ledger, "t1").status is Status.COMPLETED


def test_both_accounts_name_the_transfer_and_its_reference(ledger: Ledger) -> None:
    ledger.drive("t1", NOON)
    held, credited, captured = (
        ledger.events(kind)[-1] for kind in (Account.HoldPlaced, Account.FundsCredited, Account.HoldCaptured)
    )
    assert held.transfer_id == credited.transfer_id == captured.transfer_id == "t1"
    assert held.reference == credited.reference == "rent"


def test_the_hold_of_a_transfer_has_no_expiry(ledger: Ledger) -> None:
    ledger.drive("t1", NOON)
    assert ledger.events(Account.HoldPlaced)[-1].expires_at is None


def test_a_transfer_whose_hold_is_refused_fails_at_once(ledger: Ledger) -> None:
    change(ledger, "alice", lambda a: a.withdraw(1, at=NOON))
    assert ledger.drive("t1", NOON) == ["hold: INSUFFICIENT_FUNDS", "fail"]
    assert failure(ledger, "t1") == ("hold", "INSUFFICIENT_FUNDS")
    assert account(ledger, "alice") == (499, 0)


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (lambda a: a.freeze(reason="fraud?", at=NOON), "ACCOUNT_FROZEN"),
        (lambda a: a.set_limits(per_debit=499, per_day=None, at=NOON), "LIMIT_EXCEEDED"),
        (lambda a: a.set_limits(per_debit=None, per_day=499, at=NOON), "LIMIT_EXCEEDED"),
    ],
)
def test_the_hold_of_a_transfer_is_a_debit_like_any_other(ledger: Ledger, trouble: Any, code: str) -> None:
    change(ledger, "alice", trouble)
    assert ledger.drive("t1", NOON) == [f"hold: {code}", "fail"]


def test_a_transfer_from_an_account_that_is_not_there_fails(ledger: Ledger) -> None:
    request(ledger, "t2", source="nobody")
    assert ledger.drive("t2", NOON) == ["hold: ACCOUNT_NOT_FOUND", "fail"]


def test_a_transfer_to_an_account_that_is_not_there_fails_and_its_hold_is_released(ledger: Ledger) -> None:
    request(ledger, "t2", target="nobody")
    assert ledger.drive("t2", NOON) == ["hold", "credit: ACCOUNT_NOT_FOUND", "release", "fail"]
    assert failure(ledger, "t2") == ("credit", "ACCOUNT_NOT_FOUND")
    assert account(ledger, "alice") == (500, 0)
    assert ledger.events(Account.HoldReleased)[-1].reason == "transfer-failed"


def test_the_refusal_of_a_credit_stays_when_the_account_is_opened_later(ledger: Ledger) -> None:
    request(ledger, "t2", target="late")
    held = next_step(ledger.progress("t2"))
    ledger.run(held, NOON)
    credit = next_step(ledger.progress("t2").after(held, None))
    assert ledger.run(credit, NOON) == "ACCOUNT_NOT_FOUND"
    open_account(ledger, "late")
    assert ledger.drive("t2", NOON) == ["hold", "credit: ACCOUNT_NOT_FOUND", "release", "fail"]


def test_a_transfer_to_a_closed_account_fails(ledger: Ledger) -> None:
    change(ledger, "bob", lambda a: a.close(reason="owner left", at=NOON))
    assert ledger.drive("t1", NOON) == ["hold", "credit: ACCOUNT_CLOSED", "release", "fail"]


def test_a_transfer_to_a_frozen_account_completes(ledger: Ledger) -> None:
    change(ledger, "bob", lambda a: a.freeze(reason="fraud?", at=NOON))
    assert ledger.drive("t1", NOON)[-1] == "complete"


def test_a_transfer_between_assets_fails_on_the_side_that_differs(ledger: Ledger) -> None:
    open_account(ledger, "dora", asset="USD/2")
    request(ledger, "t2", target="dora")
    assert ledger.drive("t2", NOON) == ["hold", "credit: ASSET_MISMATCH", "release", "fail"]
    request(ledger, "t3", source="dora")
    assert ledger.drive("t3", NOON) == ["hold: ASSET_MISMATCH", "fail"]


def test_a_credit_that_makes_a_balance_too_large_is_undone(ledger: Ledger) -> None:
    for _ in range(9):
        change(ledger, "bob", lambda a: a.deposit(10**15, at=NOON))
    change(ledger, "bob", lambda a: a.deposit(2**53 - 1 - 9 * 10**15, at=NOON))
    assert ledger.drive("t1", NOON) == ["hold", "credit: BALANCE_TOO_LARGE", "release", "fail"]


def test_a_frozen_source_still_pays_what_it_holds_for_the_transfer(ledger: Ledger) -> None:
    ledger.run(next_step(ledger.progress("t1")), NOON)
    change(ledger, "alice", lambda a: a.freeze(reason="fraud?", at=NOON))
    assert ledger.drive("t1", NOON) == ["hold", "credit", "capture", "complete"]


def test_a_settled_transfer_has_no_next_step(ledger: Ledger) -> None:
    ledger.drive("t1", NOON)
    assert next_step(ledger.progress("t1")) is None
    assert ledger.drive("t1", NOON) == []


@pytest.mark.parametrize("steps", range(5))
@pytest.mark.parametrize("target", ["bob", "nobody"])
def test_a_driver_that_stops_anywhere_is_followed_by_another_one(target: str, steps: int, ledger: Ledger) -> None:
    request(ledger, "t2", target=target)
    undisturbed = copy.deepcopy(ledger)
    undisturbed.drive("t2", NOON)
    progress = ledger.progress("t2")
    for _ in range(min(steps, len(undisturbed.streams[transfer_stream("t2")]) + 2)):
        step = next_step(progress)
        progress = progress.after(step, ledger.run(step, NOON))
    ledger.drive("t2", NOON)
    assert ledger == undisturbed


def test_a_step_is_data_with_a_stream_and_an_id_that_never_changes(ledger: Ledger) -> None:
    first, again = (next_step(ledger.progress("t1")) for _ in range(2))
    assert isinstance(first, AccountStep)
    assert first == again
    assert (first.action, first.stream, first.command_id) == (Action.HOLD, "account-alice", "transfer·t1·hold")
    progress = ledger.progress("t1").after(first, None)
    credit = next_step(progress)
    assert (credit.stream, credit.command_id) == ("account-bob", "transfer·t1·credit")
    release = next_step(progress.after(credit, "ACCOUNT_CLOSED"))
    assert (release.stream, release.command_id) == ("account-alice", "transfer·t1·release")
    fail = next_step(progress.after(credit, "ACCOUNT_CLOSED").after(release, None))
    assert isinstance(fail, TransferStep)
    assert (fail.stream, fail.command_id, fail.refused, fail.code) == (
        "transfer-t1",
        "transfer·t1·fail",
        "credit",
        "ACCOUNT_CLOSED",
    )


def test_no_ascii_id_of_a_client_can_be_the_id_of_a_step(ledger: Ledger) -> None:
    assert not next_step(ledger.progress("t1")).command_id.isascii()


def test_no_two_steps_have_the_same_id() -> None:
    with pytest.raises(InvalidId):
        Transfer.request("t1·hold", source="a", target="b", amount=1, asset="EUR/2", at=NOON)


@pytest.mark.parametrize("action", [Action.CAPTURE, Action.RELEASE, Action.UNCLAIM, Action.COMPLETE, Action.FAIL])
def test_a_refusal_that_cannot_be_stops_the_process(action: Action, ledger: Ledger) -> None:
    """Above all a refused capture: to release the hold then would pay the money twice."""
    progress = ledger.progress("t1")
    with pytest.raises(StepRefused, match=f"transfer·t1·{action} was refused with HOLD_NOT_FOUND"):
        progress.after(AccountStep(progress.transfer, action), "HOLD_NOT_FOUND")


def test_a_capture_without_a_hold_is_not_found(ledger: Ledger) -> None:
    step = AccountStep(transfer(ledger, "t1"), Action.CAPTURE)
    assert ledger.run(step, NOON) == "HOLD_NOT_FOUND"


def test_what_is_known_of_a_transfer_is_not_changed_by_learning_more(ledger: Ledger) -> None:
    progress = ledger.progress("t1")
    later = progress.after(next_step(progress), None)
    assert progress == Progress(progress.transfer)
    assert later.outcomes == {Action.HOLD: None}
