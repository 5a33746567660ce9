"""Limits: per debit, and per UTC day."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.ledger import errors
from domain.ledger.values import MAX_AMOUNT, MAX_BALANCE
from tests.ledger.domain.scenario import NOON, captured, credited, debited, given, held, limited, opened, released

TOMORROW = NOON + timedelta(days=1)
YESTERDAY = NOON - timedelta(days=1)


def test_limits_are_set_and_lifted() -> None:
    given(opened()).when(lambda a: a.set_limits(per_debit=100, per_day=300, at=NOON)).then(limited(100, 300))
    given(opened(), limited(100, 300)).when(lambda a: a.set_limits(per_debit=None, per_day=None, at=NOON)).then(
        limited()
    )


def test_setting_the_limits_that_are_set_changes_nothing() -> None:
    given(opened(), limited(100)).when(lambda a: a.set_limits(per_debit=100, per_day=None, at=NOON)).then()
    given(opened()).when(lambda a: a.set_limits(per_debit=None, per_day=None, at=NOON)).then()


@pytest.mark.parametrize("limit", [0, -1, True, 1.5])
def test_a_limit_is_an_amount(limit: object) -> None:
    given(opened()).when(lambda a: a.set_limits(per_debit=limit, per_day=None, at=NOON)).refused(errors.InvalidAmount)
    given(opened()).when(lambda a: a.set_limits(per_debit=None, per_day=limit, at=NOON)).refused(errors.InvalidAmount)


def test_a_debit_may_reach_the_limit_per_debit() -> None:
    given(opened(), credited(500), limited(100)).when(lambda a: a.withdraw(100, at=NOON)).then(debited(100))


def test_a_debit_over_the_limit_per_debit_is_refused() -> None:
    given(opened(), credited(500), limited(100)).when(lambda a: a.withdraw(101, at=NOON)).refused(
        errors.LimitExceeded, limit="per_debit", amount=101, allowed=100
    )


def test_a_hold_over_the_limit_per_debit_is_refused() -> None:
    given(opened(), credited(500), limited(100)).when(lambda a: a.place_hold(101, at=NOON)).refused(
        errors.LimitExceeded, limit="per_debit", amount=101, allowed=100
    )


def test_the_debits_of_a_day_may_reach_its_limit() -> None:
    history = given(opened(), credited(500), limited(None, 100), debited(60))
    history.when(lambda a: a.withdraw(40, at=NOON)).then(debited(40))


def test_the_debits_of_a_day_over_its_limit_are_refused() -> None:
    history = given(opened(), credited(500), limited(None, 100), debited(60))
    history.when(lambda a: a.withdraw(41, at=NOON)).refused(
        errors.LimitExceeded, limit="per_day", amount=41, debited=60, allowed=100
    )


def test_debits_count_before_a_limit_is_set() -> None:
    given(opened(), credited(500), debited(60), limited(None, 100)).when(lambda a: a.withdraw(41, at=NOON)).refused(
        errors.LimitExceeded, debited=60
    )


def test_a_hold_counts_on_the_day_it_is_placed() -> None:
    history = given(opened(), credited(500), limited(None, 100), held(1, 60))
    history.when(lambda a: a.withdraw(41, at=NOON)).refused(errors.LimitExceeded, limit="per_day", debited=60)


def test_a_capture_counts_no_second_time() -> None:
    history = given(opened(), credited(500), limited(None, 100), held(1, 60), captured(1, 60))
    history.when(lambda a: a.withdraw(40, at=NOON)).then(debited(40))
    history.when(lambda a: a.withdraw(41, at=NOON)).refused(errors.LimitExceeded, debited=60)


def test_what_a_capture_releases_counts_no_more() -> None:
    history = given(opened(), credited(500), limited(None, 100), held(1, 60), captured(1, 20, released=40))
    history.when(lambda a: a.withdraw(80, at=NOON)).then(debited(80))
    history.when(lambda a: a.withdraw(81, at=NOON)).refused(errors.LimitExceeded, debited=20)


def test_a_released_hold_counts_no_more() -> None:
    history = given(opened(), credited(500), limited(None, 100), held(1, 60), released(1, 60))
    history.when(lambda a: a.withdraw(100, at=NOON)).then(debited(100))


def test_a_hold_of_yesterday_gives_nothing_back_to_today() -> None:
    history = given(
        opened(), credited(500), limited(None, 100), held(1, 60, at=YESTERDAY), debited(50), released(1, 60)
    )
    history.when(lambda a: a.withdraw(51, at=NOON)).refused(errors.LimitExceeded, debited=50)


def test_every_day_has_the_whole_limit() -> None:
    history = given(opened(), credited(500), limited(None, 100), debited(100))
    history.when(lambda a: a.withdraw(100, at=TOMORROW)).then(debited(100, at=TOMORROW))


def test_a_day_without_a_limit_has_what_a_number_can_say() -> None:
    """The account debits, is credited and debits again: what counts goes beyond any balance."""
    again = [debited(MAX_AMOUNT), credited(MAX_AMOUNT)] * 9
    history = given(opened(), credited(MAX_AMOUNT), *again)
    history.when(lambda a: a.withdraw(MAX_BALANCE - 9 * MAX_AMOUNT, at=NOON)).then(
        debited(MAX_BALANCE - 9 * MAX_AMOUNT)
    )
    history.when(lambda a: a.withdraw(MAX_BALANCE - 9 * MAX_AMOUNT + 1, at=NOON)).refused(
        errors.LimitExceeded, limit="per_day", debited=9 * MAX_AMOUNT, allowed=MAX_BALANCE
    )
    history.when(lambda a: a.place_hold(MAX_AMOUNT, at=TOMORROW)).then(held(1, MAX_AMOUNT, at=TOMORROW))


def test_the_day_is_that_of_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    late = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    history = given(opened(), credited(500), limited(None, 100), debited(100, at=late))
    history.when(lambda a: a.withdraw(1, at=datetime(2026, 3, 2, 8, 59, 59, tzinfo=tokyo))).refused(
        errors.LimitExceeded
    )
    midnight = datetime(2026, 3, 2, 9, tzinfo=tokyo)
    history.when(lambda a: a.withdraw(1, at=midnight)).then(debited(1, at=midnight))


def test_a_clock_that_lags_cannot_spend_a_limit_twice() -> None:
    history = given(opened(), credited(500), limited(None, 100), debited(100, at=TOMORROW))
    history.when(lambda a: a.withdraw(1, at=NOON)).refused(errors.LimitExceeded, limit="per_day", debited=100)


def test_a_limit_refuses_before_the_funds_do() -> None:
    given(opened(), credited(50), limited(100)).when(lambda a: a.withdraw(101, at=NOON)).refused(errors.LimitExceeded)
