"""Transfers: requested, completed or failed once, reversed at most once."""

from typing import Any

import pytest

from domain.errors import InvalidId
from domain.ledger import Transfer, errors
from domain.ledger.transfer import Status
from tests.ledger.domain.scenario import NOON, completed, failed, given, requested, reversal_claimed, reversal_released

MOVEMENT: dict[str, Any] = {"source": "alice", "target": "bob", "amount": 500, "asset": "EUR/2"}
BACK: dict[str, Any] = {**MOVEMENT, "source": "bob", "target": "alice"}


def reversal(transfer_id: str = "r1", **changes: Any) -> Transfer:
    return Transfer.request(transfer_id, reverses="t1", reason="sent twice", at=NOON, **{**BACK, **changes})


def test_a_transfer_says_what_is_to_be_moved() -> None:
    transfer = (
        given()
        .when(lambda _: Transfer.request("t1", reference="rent", at=NOON, **MOVEMENT))
        .then(requested(reference="rent"))
    )
    assert (transfer.id, transfer.transfer_id, transfer.status) == ("transfer-t1", "t1", Status.REQUESTED)
    assert (transfer.source, transfer.target, transfer.amount, transfer.asset) == ("alice", "bob", 500, "EUR/2")


def test_a_transfer_needs_two_accounts() -> None:
    given().when(lambda _: Transfer.request("t1", at=NOON, **{**MOVEMENT, "target": "alice"})).refused(
        errors.SameAccount, account="alice"
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"amount": 0}, errors.InvalidAmount),
        ({"amount": True}, errors.InvalidAmount),
        ({"asset": "euro"}, errors.InvalidAsset),
        ({"source": "a/b"}, InvalidId),
        ({"target": ""}, InvalidId),
        ({"reverses": "-", "reason": "sent twice"}, InvalidId),
    ],
)
def test_a_transfer_that_makes_no_sense_is_not_requested(changes: dict[str, Any], error: type[Any]) -> None:
    given().when(lambda _: Transfer.request("t1", at=NOON, **{**MOVEMENT, **changes})).refused(error)


def test_the_id_of_a_transfer_is_an_id() -> None:
    given().when(lambda _: Transfer.request("t/1", at=NOON, **MOVEMENT)).refused(InvalidId)


def test_a_reversal_says_why() -> None:
    given().when(lambda _: Transfer.request("r1", reverses="t1", at=NOON, **BACK)).refused(errors.ReasonRequired)
    fact = requested(source="bob", target="alice", reverses="t1", reason="sent twice")
    given(stream="transfer-r1").when(lambda _: reversal()).then(fact)


def test_a_transfer_completes() -> None:
    transfer = given(requested()).when(lambda t: t.complete(at=NOON)).then(completed())
    assert transfer.status is Status.COMPLETED


def test_a_transfer_fails_with_the_step_and_the_code() -> None:
    history = given(requested())
    transfer = history.when(lambda t: t.fail(step="credit", code="ACCOUNT_CLOSED", at=NOON)).then(
        failed("credit", "ACCOUNT_CLOSED")
    )
    assert transfer.status is Status.FAILED


def test_ending_a_transfer_again_in_the_same_way_changes_nothing() -> None:
    given(requested(), completed()).when(lambda t: t.complete(at=NOON)).then()
    given(requested(), failed()).when(lambda t: t.fail(step="hold", code="ACCOUNT_FROZEN", at=NOON)).then()


def test_a_transfer_never_ends_both_ways() -> None:
    given(requested(), completed()).when(lambda t: t.fail(step="hold", code="X", at=NOON)).refused(
        errors.TransferSettled, transfer="t1", status="completed"
    )
    given(requested(), failed()).when(lambda t: t.complete(at=NOON)).refused(errors.TransferSettled, status="failed")


def test_a_reversal_claims_the_completed_transfer() -> None:
    history = given(requested(), completed())
    transfer = history.when(lambda t: t.claim_reversal(reversal(), at=NOON)).then(reversal_claimed("r1"))
    assert (transfer.reversed_by, transfer.status) == ("r1", Status.COMPLETED)


def test_a_second_reversal_is_refused() -> None:
    given(requested(), completed(), reversal_claimed("r1")).when(
        lambda t: t.claim_reversal(reversal("r2"), at=NOON)
    ).refused(errors.AlreadyReversed, transfer="t1", by="r1")


def test_claiming_again_for_the_same_reversal_changes_nothing() -> None:
    history = given(requested(), completed(), reversal_claimed("r1"))
    history.when(lambda t: t.claim_reversal(reversal("r1"), at=NOON)).then()


@pytest.mark.parametrize(("end", "status"), [([], "requested"), ([failed()], "failed")])
def test_only_a_completed_transfer_is_reversed(end: list[Any], status: str) -> None:
    given(requested(), *end).when(lambda t: t.claim_reversal(reversal(), at=NOON)).refused(
        errors.TransferNotCompleted, transfer="t1", status=status
    )


@pytest.mark.parametrize(
    "changes", [{"amount": 499}, {"asset": "USD/2"}, {"source": "carol"}, {"target": "carol"}, MOVEMENT]
)
def test_a_reversal_moves_exactly_back(changes: dict[str, Any]) -> None:
    given(requested(), completed()).when(lambda t: t.claim_reversal(reversal(**changes), at=NOON)).refused(
        errors.ReversalMismatch, transfer="t1", amount=500, asset="EUR/2", source="bob", target="alice"
    )


def test_a_failed_reversal_makes_room_for_another_one() -> None:
    history = given(requested(), completed(), reversal_claimed("r1"))
    history.when(lambda t: t.release_reversal(reversal(), at=NOON)).then(reversal_released("r1"))
    again = given(requested(), completed(), reversal_claimed("r1"), reversal_released("r1"))
    again.when(lambda t: t.claim_reversal(reversal("r2"), at=NOON)).then(reversal_claimed("r2"))


def test_a_reversal_releases_no_claim_but_its_own() -> None:
    history = given(requested(), completed(), reversal_claimed("r1"))
    history.when(lambda t: t.release_reversal(reversal("r2"), at=NOON)).then()


def test_a_reversal_can_be_reversed() -> None:
    history = given(requested(reverses="t0", reason="sent twice"), completed())
    history.when(lambda t: t.claim_reversal(reversal(), at=NOON)).then(reversal_claimed("r1"))
