"""Transfers and reversals under every interleaving, and what happens to them without each of their rules."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from domain.ledger import Account, Progress, Transfer, account_stream, errors, transfer_process, transfer_stream
from domain.ledger.holds import Hold, Holds
from domain.ledger.transfer_process import REFUSABLE, Action, Step
from tests.ledger.domain.explorer import Explorer
from tests.ledger.domain.invariants import Violation
from tests.ledger.domain.ledger import Ledger
from tests.ledger.domain.scenario import NOON

SOURCE = {
    "freeze source": ("alice", lambda a: a.freeze(reason="fraud?", at=NOON)),
    "withdraw": ("alice", lambda a: a.withdraw(a.available, at=NOON)),
    "release the hold": ("alice", lambda a: a.release_hold(1, at=NOON)),
    "expire the hold": ("alice", lambda a: a.expire_hold(1, at=NOON + timedelta(days=1))),
    "close source": ("alice", lambda a: a.close(reason="owner left", at=NOON)),
}
TARGET = {
    "freeze target": ("bob", lambda a: a.freeze(reason="fraud?", at=NOON)),
    "spend": ("bob", lambda a: a.withdraw(a.available, at=NOON)),
    "close target": ("bob", lambda a: a.close(reason="owner left", at=NOON)),
}
BACK = {
    "close target": ("alice", lambda a: a.close(reason="owner left", at=NOON)),
    "freeze source": ("bob", lambda a: a.freeze(reason="fraud?", at=NOON)),
}


def ledger_of(ledger_class: type[Ledger] = Ledger, **balances: int) -> Ledger:
    ledger = ledger_class()
    for name, balance in balances.items():
        account = Account.open(name, asset="EUR/2", owner=name, at=NOON)
        if balance:
            account.deposit(balance, at=NOON)
        ledger.streams[account_stream(name)] = list(account.collect_events())
    return ledger


def request(ledger: Ledger, transfer_id: str, source: str, target: str, reverses: str | None = None) -> None:
    transfer = Transfer.request(
        transfer_id, source=source, target=target, amount=5, asset="EUR/2", reverses=reverses, reason="why", at=NOON
    )
    ledger.streams[transfer_stream(transfer_id)] = list(transfer.collect_events())


def one_transfer(ledger_class: type[Ledger] = Ledger) -> Ledger:
    """alice has 10, of which t1 moves 5 to bob, who has nothing."""
    ledger = ledger_of(ledger_class, alice=10, bob=0)
    request(ledger, "t1", "alice", "bob")
    return ledger


def two_reversals(ledger_class: type[Ledger] = Ledger) -> Ledger:
    """t1 has moved all of alice's 5 to bob, who has 10 now; r1 and r2 both want to reverse it."""
    ledger = ledger_of(ledger_class, alice=5, bob=5)
    request(ledger, "t1", "alice", "bob")
    ledger.drive("t1", NOON)
    for each in ("r1", "r2"):
        request(ledger, each, "bob", "alice", reverses="t1")
    return ledger


def test_a_transfer_is_sound_whatever_happens_at_its_source() -> None:
    assert Explorer(SOURCE).explore(one_transfer(), "t1", "t1") > 1000


def test_a_transfer_is_sound_whatever_happens_at_its_target() -> None:
    assert Explorer(TARGET).explore(one_transfer(), "t1", "t1") > 1000


def test_three_drivers_of_one_transfer_do_no_more_than_one() -> None:
    assert Explorer().explore(one_transfer(), "t1", "t1", "t1") > 1000


def test_a_transfer_is_reversed_at_most_once() -> None:
    assert Explorer().explore(two_reversals(), "r1", "r2") > 1000


def test_a_forgotten_driver_of_a_reversal_does_no_harm() -> None:
    assert Explorer(BACK, gives_up=(False,)).explore(two_reversals(), "r1", "r2", "r1") > 1000


def test_a_reversal_that_fails_leaves_the_other_one_its_chance() -> None:
    assert Explorer(BACK, gives_up=(False,)).explore(two_reversals(), "r1", "r2") > 1000


def test_two_transfers_of_the_same_money_are_not_both_paid() -> None:
    ledger = ledger_of(alice=5, bob=0)
    request(ledger, "t1", "alice", "bob")
    request(ledger, "t2", "alice", "bob")
    assert Explorer(SOURCE, gives_up=(False,)).explore(ledger, "t1", "t2") > 1000


class ForgetfulLedger(Ledger):
    """A store that does not record refusals."""

    def execute(self, stream: str, command_id: str, decide: Callable[[Any], Any]) -> str | None:
        refusal = super().execute(stream, command_id, decide)
        if refusal is not None:
            del self.outcomes[stream, command_id]
        return refusal


def anybody_ends_the_hold_of_a_transfer(patch: pytest.MonkeyPatch) -> Explorer:
    patch.setattr(Holds, "active", lambda holds, hold_id, transfer_id=None: holds.open[hold_id])
    return Explorer({"release": ("alice", lambda a: a.holds.open and a.release_hold(1, at=NOON))})


def the_hold_of_a_transfer_expires(patch: pytest.MonkeyPatch) -> Explorer:
    patch.setattr(Hold, "expired", lambda hold, at: hold.transfer_id is not None)
    return Explorer()


def a_frozen_account_captures_nothing(patch: pytest.MonkeyPatch) -> Explorer:
    capture = Account.capture_hold

    def capture_unless_frozen(account: Account, *arguments: Any, **options: Any) -> None:
        if account.status == "frozen":
            raise errors.AccountFrozen(account=account.account_id)
        capture(account, *arguments, **options)

    patch.setattr(Account, "capture_hold", capture_unless_frozen)
    return Explorer(SOURCE)


def an_account_closes_over_its_hold(patch: pytest.MonkeyPatch) -> Explorer:
    def close(account: Account, *, reason: str, at: Any) -> None:
        if not account.available:
            account.trigger_event(Account.Closed, reason=reason, timestamp=at)

    patch.setattr(Account, "close", close)
    return Explorer(SOURCE)


def a_lost_answer_is_taken_for_a_refusal(patch: pytest.MonkeyPatch) -> Explorer:
    def give_in(progress: Progress, step: Any) -> Progress:
        return progress.after(step, "TIME_OUT") if step.action in REFUSABLE else progress

    return Explorer(lost_answer=give_in)


def giving_up_takes_an_id_of_its_own(patch: pytest.MonkeyPatch) -> Explorer:
    def command_id(step: Any) -> str:
        return f"{step.action}, given up" if getattr(step, "give_up", False) else str(step.action)

    patch.setattr(Step, "command_id", property(command_id))
    return Explorer()


def every_attempt_takes_an_id_of_its_own(patch: pytest.MonkeyPatch) -> Explorer:
    attempts = count()
    patch.setattr(Step, "command_id", property(lambda step: f"{step.action} {next(attempts)}"))
    return Explorer()


def the_source_pays_before_the_target_accepts(patch: pytest.MonkeyPatch) -> Explorer:
    order = (Action.CLAIM, Action.HOLD, Action.CAPTURE, Action.CREDIT, Action.COMPLETE)
    patch.setattr(transfer_process, "FORWARD", order)
    return Explorer()


def the_target_is_credited_before_the_source_holds(patch: pytest.MonkeyPatch) -> Explorer:
    order = (Action.CLAIM, Action.CREDIT, Action.HOLD, Action.CAPTURE, Action.COMPLETE)
    patch.setattr(transfer_process, "FORWARD", order)
    return Explorer(SOURCE)


def a_refused_credit_releases_nothing(patch: pytest.MonkeyPatch) -> Explorer:
    patch.setattr(transfer_process, "UNDO", {})
    return Explorer()


@pytest.mark.parametrize(
    "without_rule",
    [
        anybody_ends_the_hold_of_a_transfer,
        the_hold_of_a_transfer_expires,
        a_frozen_account_captures_nothing,
        an_account_closes_over_its_hold,
        a_lost_answer_is_taken_for_a_refusal,
        giving_up_takes_an_id_of_its_own,
        every_attempt_takes_an_id_of_its_own,
        the_source_pays_before_the_target_accepts,
        the_target_is_credited_before_the_source_holds,
        a_refused_credit_releases_nothing,
    ],
)
def test_a_transfer_is_not_sound_when(
    without_rule: Callable[[pytest.MonkeyPatch], Explorer], monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = without_rule(monkeypatch)
    with pytest.raises(Violation):
        explorer.explore(one_transfer(), "t1", "t1")


def test_a_transfer_is_not_sound_when_refusals_are_not_recorded() -> None:
    with pytest.raises(Violation):
        Explorer().explore(one_transfer(ForgetfulLedger), "t1", "t1")


def claims_are_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Transfer, "check_reversal", lambda transfer, reversal: None)


def claims_are_not_made(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Transfer, "claim_reversal", lambda transfer, reversal, at: None)


@pytest.mark.parametrize("without_rule", [claims_are_not_checked, claims_are_not_made])
def test_a_transfer_is_reversed_twice_when(
    without_rule: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_rule(monkeypatch)
    with pytest.raises(Violation, match="reversed more than once"):
        Explorer().explore(two_reversals(), "r1", "r2")
