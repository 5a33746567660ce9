"""Accounts: opened, credited, debited, frozen, closed."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from domain.errors import InvalidId, InvalidTime
from domain.ledger import Account, errors
from domain.ledger.account import Status
from domain.ledger.values import MAX_AMOUNT, MAX_BALANCE
from tests.ledger.domain.scenario import NOON, closed, credited, debited, frozen, given, held, limited, opened, unfrozen

FULL = [credited(MAX_AMOUNT) for _ in range(MAX_BALANCE // MAX_AMOUNT)] + [credited(MAX_BALANCE % MAX_AMOUNT)]


def test_an_account_opens_empty() -> None:
    account = (
        given()
        .when(lambda _: Account.open("alice", asset="EUR/2", owner="subject-1", name="Alice", at=NOON))
        .then(opened(name="Alice"))
    )
    assert (account.id, account.account_id, account.version) == ("account-alice", "alice", 1)
    assert (account.balance, account.held, account.available, account.status) == (0, 0, 0, Status.OPEN)
    assert (account.asset, account.owner, account.name, account.created_on) == ("EUR/2", "subject-1", "Alice", NOON)


@pytest.mark.parametrize("asset", ["", "EUR", "eur/2", "E/2", "EUR/", "EUR/100", "EUR/2\n", "EURODOLLARSX/2", "EUR/-1"])
def test_an_asset_is_a_code_and_a_scale(asset: str) -> None:
    given().when(lambda _: Account.open("a", asset=asset, owner="s", at=NOON)).refused(errors.InvalidAsset)


@pytest.mark.parametrize("account_id", ["", "-a", ".a", "a b", "a/b", "a" * 65, "a\n", "ä"])
def test_an_id_is_made_of_letters_digits_and_three_signs(account_id: str) -> None:
    given().when(lambda _: Account.open(account_id, asset="EUR/2", owner="s", at=NOON)).refused(InvalidId)
    given().when(lambda _: Account.open("a", asset="EUR/2", owner=account_id, at=NOON)).refused(InvalidId)


def test_the_id_of_an_account_may_itself_contain_a_dash() -> None:
    account = Account.open("alice-2.x_y", asset="EUR/2", owner="s", at=NOON)
    assert (account.id, account.account_id) == ("account-alice-2.x_y", "alice-2.x_y")


def test_a_deposit_adds_to_the_balance() -> None:
    day = date(2026, 2, 28)
    account = (
        given(opened(), credited(300))
        .when(lambda account: account.deposit(200, reference="salary", effective_date=day, at=NOON))
        .then(credited(200, reference="salary", effective_date=day))
    )
    assert (account.balance, account.available) == (500, 500)


def test_a_withdrawal_takes_from_the_balance() -> None:
    account = (
        given(opened(), credited(500))
        .when(lambda account: account.withdraw(200, reference="rent", at=NOON))
        .then(debited(200, reference="rent"))
    )
    assert (account.balance, account.available) == (300, 300)


def test_all_that_is_available_can_be_withdrawn() -> None:
    account = given(opened(), credited(500)).when(lambda account: account.withdraw(500, at=NOON)).then(debited(500))
    assert account.balance == 0


def test_no_more_can_be_withdrawn_than_is_available() -> None:
    given(opened(), credited(500)).when(lambda account: account.withdraw(501, at=NOON)).refused(
        errors.InsufficientFunds, amount=501, available=500, asset="EUR/2"
    )


def test_held_money_cannot_be_withdrawn() -> None:
    given(opened(), credited(500), held(1, 400)).when(lambda account: account.withdraw(101, at=NOON)).refused(
        errors.InsufficientFunds, amount=101, available=100
    )


@pytest.mark.parametrize("amount", [0, -1, MAX_AMOUNT + 1, True, 1.0, "1", None])
def test_amounts_are_positive_ints_of_minor_units(amount: object) -> None:
    history = given(opened(), *FULL[:2])
    history.when(lambda account: account.deposit(amount, at=NOON)).refused(errors.InvalidAmount, amount=repr(amount))
    history.when(lambda account: account.withdraw(amount, at=NOON)).refused(errors.InvalidAmount)
    history.when(lambda account: account.place_hold(amount, at=NOON)).refused(errors.InvalidAmount)


def test_the_smallest_and_the_largest_amount_are_accepted() -> None:
    given(opened()).when(lambda account: account.deposit(1, at=NOON)).then(credited(1))
    given(opened()).when(lambda account: account.deposit(MAX_AMOUNT, at=NOON)).then(credited(MAX_AMOUNT))


def test_a_balance_may_reach_the_largest_number_that_json_keeps_exact() -> None:
    account = given(opened(), *FULL[:-1]).when(lambda a: a.deposit(MAX_BALANCE % MAX_AMOUNT, at=NOON)).then(FULL[-1])
    assert account.balance == 2**53 - 1 == int(float(account.balance))


def test_a_balance_never_exceeds_the_largest_number_that_json_keeps_exact() -> None:
    given(opened(), *FULL).when(lambda account: account.deposit(1, at=NOON)).refused(
        errors.BalanceTooLarge, amount=1, balance=MAX_BALANCE, largest=MAX_BALANCE
    )


def test_a_frozen_account_debits_nothing() -> None:
    given(opened(), credited(500), frozen()).when(lambda account: account.withdraw(1, at=NOON)).refused(
        errors.AccountFrozen, account="alice"
    )


def test_a_frozen_account_takes_credits() -> None:
    given(opened(), frozen()).when(lambda account: account.deposit(500, at=NOON)).then(credited(500))


def test_freezing_says_why() -> None:
    given(opened()).when(lambda account: account.freeze(reason="fraud?", at=NOON)).then(frozen("fraud?"))
    for reason in ("", "  "):
        given(opened()).when(lambda account, reason=reason: account.freeze(reason=reason, at=NOON)).refused(
            errors.ReasonRequired
        )


def test_unfreezing_says_why() -> None:
    history = given(opened(), frozen())
    history.when(lambda account: account.unfreeze(reason="cleared", at=NOON)).then(unfrozen())
    history.when(lambda account: account.unfreeze(reason=" ", at=NOON)).refused(errors.ReasonRequired)


def test_an_unfrozen_account_debits_again() -> None:
    given(opened(), credited(5), frozen(), unfrozen()).when(lambda a: a.withdraw(5, at=NOON)).then(debited(5))


def test_freezing_a_frozen_account_changes_nothing() -> None:
    given(opened(), frozen()).when(lambda account: account.freeze(reason="again", at=NOON)).then()


def test_unfreezing_an_open_account_changes_nothing() -> None:
    given(opened()).when(lambda account: account.unfreeze(reason="why not", at=NOON)).then()


def test_an_account_closes_at_zero() -> None:
    account = (
        given(opened(), credited(5), debited(5))
        .when(lambda account: account.close(reason="owner left", at=NOON))
        .then(closed())
    )
    assert account.status is Status.CLOSED


def test_a_frozen_account_closes_at_zero() -> None:
    given(opened(), frozen()).when(lambda account: account.close(reason="owner left", at=NOON)).then(closed())


def test_closing_says_why() -> None:
    given(opened()).when(lambda account: account.close(reason="", at=NOON)).refused(errors.ReasonRequired)


def test_an_account_with_money_does_not_close() -> None:
    given(opened(), credited(5)).when(lambda account: account.close(reason="owner left", at=NOON)).refused(
        errors.AccountNotEmpty, account="alice", balance=5, held=0
    )


def test_an_account_with_an_open_hold_does_not_close() -> None:
    given(opened(), credited(5), held(1, 5)).when(lambda account: account.close(reason="owner left", at=NOON)).refused(
        errors.AccountNotEmpty, balance=5, held=5
    )


def test_closing_a_closed_account_changes_nothing() -> None:
    given(opened(), closed()).when(lambda account: account.close(reason="again", at=NOON)).then()


@pytest.mark.parametrize(
    "command",
    [
        lambda account: account.deposit(1, at=NOON),
        lambda account: account.withdraw(1, at=NOON),
        lambda account: account.place_hold(1, at=NOON),
        lambda account: account.set_limits(per_debit=1, per_day=1, at=NOON),
        lambda account: account.freeze(reason="late", at=NOON),
        lambda account: account.unfreeze(reason="late", at=NOON),
    ],
    ids=["deposit", "withdraw", "place_hold", "set_limits", "freeze", "unfreeze"],
)
def test_nothing_happens_on_a_closed_account(command: object) -> None:
    given(opened(), closed()).when(command).refused(errors.AccountClosed, account="alice")


def test_a_time_without_its_zone_is_a_mistake() -> None:
    account = given(opened()).aggregate
    with pytest.raises(InvalidTime, match="a time has its zone"):
        account.deposit(1, at=datetime(2026, 3, 1, 12))  # noqa: DTZ001
    assert account == given(opened()).aggregate


def test_no_event_takes_its_time_from_a_clock() -> None:
    account = given(opened()).aggregate
    with pytest.raises(TypeError, match="from its command"):
        account.trigger_event(Account.Frozen, reason="no time given")


def test_times_of_any_zone_are_accepted() -> None:
    account = given(opened()).when(lambda a: a.set_limits(per_debit=1, per_day=None, at=NOON)).then(limited(1))
    assert account.modified_on.astimezone(UTC) == NOON


def test_times_are_kept_in_utc() -> None:
    account = given(opened(), credited(9)).aggregate
    tokyo = timezone(timedelta(hours=9))
    account.place_hold(1, expires_at=datetime(2026, 3, 1, 22, tzinfo=tokyo), at=datetime(2026, 3, 1, 21, tzinfo=tokyo))
    (event,) = account.collect_events()
    assert event.timestamp.isoformat() == "2026-03-01T12:00:00+00:00"
    assert event.expires_at.isoformat() == "2026-03-01T13:00:00+00:00"


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+00:01", "2026-03-02T12:00:00"])
def test_a_time_that_has_no_place_in_utc_is_refused(time: str) -> None:
    moment = datetime.fromisoformat(time)
    history = given(opened(), credited(9))
    history.when(lambda account: account.place_hold(1, expires_at=moment, at=NOON)).refused(InvalidTime)
    history.when(lambda account: account.deposit(1, at=moment)).refused(InvalidTime)
    history.when(lambda account: account.withdraw(1, at=moment)).refused(InvalidTime)
