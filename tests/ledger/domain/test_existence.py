"""Ids that name something, and ids that name nothing yet."""

import pytest

from domain.ledger import errors, require_account, require_no_account, require_no_transfer, require_transfer
from tests.ledger.domain.scenario import closed, given, opened, requested


def test_an_account_that_was_opened_is_there() -> None:
    account = given(opened()).aggregate
    assert require_account(account, "alice") is account
    require_no_account(None)


def test_an_account_that_was_never_opened_is_not_found() -> None:
    with pytest.raises(errors.AccountNotFound, match="no account alice: open it first"):
        require_account(None, "alice")


@pytest.mark.parametrize("history", [[opened()], [opened(), closed()]], ids=["open", "closed"])
def test_an_id_names_one_account_for_ever(history: list[object]) -> None:
    with pytest.raises(errors.AccountExists, match="account alice was opened before"):
        require_no_account(given(*history).aggregate)


def test_a_transfer_that_was_requested_is_there() -> None:
    transfer = given(requested()).aggregate
    assert require_transfer(transfer, "t1") is transfer
    require_no_transfer(None)


def test_a_transfer_that_was_never_requested_is_not_found() -> None:
    with pytest.raises(errors.TransferNotFound, match="no transfer t1"):
        require_transfer(None, "t1")


def test_an_id_names_one_transfer_for_ever() -> None:
    with pytest.raises(errors.TransferExists, match="transfer t1 was requested before"):
        require_no_transfer(given(requested()).aggregate)
