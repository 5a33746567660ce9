"""Holds: placed, captured, released, expired, and each of them ended once."""

from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest

from domain.ledger import Account, ExpiryStep, Snapshot, errors
from domain.ledger.holds import Hold
from domain.ledger.values import MAX_AMOUNT, MAX_HOLDS
from eventstore.log.mapper import Mapper
from tests.ledger.domain.scenario import NOON, captured, credited, frozen, given, held, opened, released

LATER = NOON + timedelta(hours=1)


def test_a_hold_sets_money_aside() -> None:
    account = (
        given(opened(), credited(500))
        .when(lambda a: a.place_hold(200, expires_at=LATER, reference="hotel", at=NOON))
        .then(held(1, 200, expires_at=LATER, reference="hotel"))
    )
    assert (account.balance, account.held, account.available, account.holds.placed) == (500, 200, 300, 1)


def test_holds_are_numbered_by_their_account() -> None:
    history = given(opened(), credited(500), held(1, 100), released(1, 100))
    history.when(lambda a: a.place_hold(100, at=NOON)).then(held(2, 100))


def test_no_more_can_be_held_than_is_available() -> None:
    given(opened(), credited(500), held(1, 400)).when(lambda a: a.place_hold(101, at=NOON)).refused(
        errors.InsufficientFunds, amount=101, available=100
    )


def test_an_account_has_so_many_open_holds_and_no_more() -> None:
    account = given(opened(), credited(MAX_AMOUNT)).aggregate
    for _ in range(MAX_HOLDS):
        account.place_hold(1, expires_at=LATER, at=NOON)
    with pytest.raises(errors.TooManyHolds, match="has 10000 open holds"):
        account.place_hold(1, at=NOON)
    account.release_hold(1, at=NOON)
    account.place_hold(1, at=NOON)
    assert len(account.holds.open) == MAX_HOLDS


def test_the_snapshot_of_an_account_with_all_its_holds_fits_into_a_document() -> None:
    """The longest names and numbers that there are; the state is kept as text, so its quotes are escaped."""
    name, at = "n" * 64, NOON.replace(microsecond=123_456)
    account = Account.open(name, asset="ABCDEFGHIJ/99", owner=name, name=f"personal:v1:{name}:1:{'x' * 1500}", at=at)
    for number in range(MAX_HOLDS):
        account.holds.add(Hold(2**31 - number, MAX_AMOUNT, at.date(), None, name))
    stored = Mapper[str]().to_stored_event(Snapshot.take(account))
    assert len(orjson.dumps({"id": "latest", "streamId": account.id, "state": stored.state.decode()})) < 2_000_000


def test_a_frozen_account_holds_nothing_new() -> None:
    given(opened(), credited(500), frozen()).when(lambda a: a.place_hold(1, at=NOON)).refused(errors.AccountFrozen)


def test_a_hold_expires_after_it_is_placed() -> None:
    given(opened(), credited(500)).when(lambda a: a.place_hold(1, expires_at=NOON, at=NOON)).refused(
        errors.InvalidExpiry, expires_at=str(NOON)
    )


def test_a_capture_takes_all_of_a_hold() -> None:
    account = (
        given(opened(), credited(500), held(1, 200)).when(lambda a: a.capture_hold(1, at=NOON)).then(captured(1, 200))
    )
    assert (account.balance, account.held, account.available) == (300, 0, 300)


def test_a_capture_in_part_releases_the_rest() -> None:
    account = (
        given(opened(), credited(500), held(1, 200))
        .when(lambda a: a.capture_hold(1, 50, at=NOON))
        .then(captured(1, 50, released=150))
    )
    assert (account.balance, account.held, account.available) == (450, 0, 450)


def test_a_capture_takes_no_more_than_its_hold() -> None:
    given(opened(), credited(500), held(1, 200)).when(lambda a: a.capture_hold(1, 201, at=NOON)).refused(
        errors.CaptureExceedsHold, hold=1, amount=201, held=200
    )


def test_a_capture_takes_something() -> None:
    given(opened(), credited(500), held(1, 200)).when(lambda a: a.capture_hold(1, 0, at=NOON)).refused(
        errors.InvalidAmount
    )


def test_a_release_makes_held_money_available() -> None:
    account = (
        given(opened(), credited(500), held(1, 200)).when(lambda a: a.release_hold(1, at=NOON)).then(released(1, 200))
    )
    assert (account.balance, account.held, account.available) == (500, 0, 500)


def test_holds_of_a_frozen_account_are_captured_and_released() -> None:
    history = given(opened(), credited(500), held(1, 200), frozen())
    history.when(lambda a: a.capture_hold(1, at=NOON)).then(captured(1, 200))
    history.when(lambda a: a.release_hold(1, at=NOON)).then(released(1, 200))


ENDINGS = {
    "capture": lambda account: account.capture_hold(1, at=LATER),
    "release": lambda account: account.release_hold(1, at=LATER),
    "expiry": lambda account: account.expire_hold(1, at=LATER),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("end", [captured(1, 200), captured(1, 50, 150), released(1, 200), released(1, 200, "expired")])
def test_a_hold_ends_once(end: object, ending: Callable[[Account], None]) -> None:
    history = given(opened(), credited(500), held(1, 200, expires_at=LATER), end)
    history.when(ending).refused(errors.HoldNotActive, hold=1)


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_a_hold_that_never_was_is_not_found(ending: Callable[[Account], None]) -> None:
    given(opened(), credited(500)).when(ending).refused(errors.HoldNotFound, hold=1)


@pytest.mark.parametrize("hold_id", [0, -1, 3])
def test_the_numbers_of_holds_begin_at_one_and_end_at_the_last_placed(hold_id: int) -> None:
    history = given(opened(), credited(500), held(1, 100), held(2, 100))
    history.when(lambda a: a.release_hold(hold_id, at=NOON)).refused(errors.HoldNotFound, hold=hold_id)


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_the_hold_of_a_transfer_is_ended_by_nobody_else(ending: Callable[[Account], None]) -> None:
    history = given(opened(), credited(500), held(1, 200, transfer_id="t1"))
    history.when(ending).refused(errors.HoldOfTransfer, hold=1, transfer="t1")


def test_the_hold_of_a_transfer_is_not_ended_by_another_transfer() -> None:
    history = given(opened(), credited(500), held(1, 200, transfer_id="t1"))
    history.when(lambda a: a.capture_hold(1, transfer_id="t2", at=NOON)).refused(errors.HoldOfTransfer, transfer="t1")
    history.when(lambda a: a.release_hold(1, transfer_id="t2", at=NOON)).refused(errors.HoldOfTransfer, transfer="t1")


def test_a_hold_without_expiry_never_expires() -> None:
    assert not Hold(1, 200, NOON.date(), None, None).expired(NOON + timedelta(days=36500))


def test_a_hold_expires_at_its_time_and_not_before() -> None:
    hold = Hold(1, 200, NOON.date(), LATER, None)
    assert not hold.expired(LATER - timedelta(microseconds=1))
    assert hold.expired(LATER)


def test_an_expired_hold_is_released_as_expired() -> None:
    history = given(opened(), credited(500), held(1, 200, expires_at=LATER))
    account = history.when(lambda a: a.expire_hold(1, at=LATER)).then(released(1, 200, "expired", at=LATER))
    assert account.available == 500


def test_a_hold_is_not_released_as_expired_before_its_time() -> None:
    before = LATER - timedelta(microseconds=1)
    history = given(opened(), credited(500), held(1, 200, expires_at=LATER))
    history.when(lambda a: a.expire_hold(1, at=before)).refused(errors.HoldNotExpired, hold=1, expires_at=str(LATER))
    history = given(opened(), credited(500), held(1, 200))
    history.when(lambda a: a.expire_hold(1, at=LATER)).refused(errors.HoldNotExpired, expires_at="never")


def test_an_expired_hold_is_not_captured_even_before_it_is_released() -> None:
    history = given(opened(), credited(500), held(1, 200, expires_at=LATER))
    history.when(lambda a: a.capture_hold(1, at=LATER)).refused(errors.HoldNotActive, hold=1)


def test_an_expired_hold_keeps_its_money_aside_until_it_is_released() -> None:
    history = given(opened(), credited(500), held(1, 200, expires_at=LATER))
    history.when(lambda a: a.withdraw(301, at=LATER)).refused(errors.InsufficientFunds, available=300)


def test_an_expired_hold_is_released_on_request_too() -> None:
    history = given(opened(), credited(500), held(1, 200, expires_at=LATER))
    history.when(lambda a: a.release_hold(1, at=LATER)).then(released(1, 200, at=LATER))


def test_the_expiry_of_a_hold_is_one_command_with_an_id_of_its_own() -> None:
    step = ExpiryStep("alice", 1)
    assert (step.stream, step.command_id) == ("account-alice", "hold·1·expire")
    history = given(opened(), credited(500), held(1, 200, expires_at=LATER))
    history.when(lambda a: step.decide(a, at=LATER)).then(released(1, 200, "expired", at=LATER))
    given().when(lambda a: step.decide(a, at=LATER)).refused(errors.AccountNotFound, account="alice")


def test_ended_holds_leave_nothing_in_the_state() -> None:
    ended = [fact for number in range(1, 1001) for fact in (held(number, 5), captured(number, 5))]
    few = given(opened(), credited(10000), *ended[:2]).aggregate
    many = given(opened(), credited(10000), *ended).aggregate
    assert len(str(Snapshot.take(many).state)) - len(str(Snapshot.take(few).state)) <= len("999" * 2)
