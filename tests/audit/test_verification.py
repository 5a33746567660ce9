"""Tampering in every way that somebody with the keys of the database has, and what finds it."""

from collections.abc import Iterator

import pytest

from eventstore.documents import event_id
from eventstore.verification import Verification
from replay.audit.archive import KeptDigest
from replay.audit.errors import StreamUnknown
from replay.audit.verification import Verdict, verify_log
from tests.audit.bank import Bank

ALICE = "account-alice"


def broken(verdict: Verdict) -> list[tuple[str, int | None, str]]:
    return [(each.stream, each.version, each.problem.partition(":")[0]) for each in verdict.broken]


def test_a_log_that_nobody_touched_verifies_with_and_without_a_digest(bank: Bank, sealed: KeptDigest) -> None:
    plain, compared = verify_log(bank.log), verify_log(bank.log, against=sealed)
    assert (plain.sound, compared.sound) == (True, True)
    assert (plain.streams, plain.events, plain.outcomes) == (3, 9, 1)
    assert (compared.digest, compared.sealed) == (1, 3)


def test_every_stream_is_told_in_the_order_of_names(bank: Bank) -> None:
    seen: list[Verification] = []
    verify_log(bank.log, jobs=2, each=seen.append)
    assert [found.stream for found in seen] == ["account-alice", "account-bob", "transfer-t1"]


def test_events_that_come_after_a_digest_do_not_break_it(bank: Bank, sealed: KeptDigest) -> None:
    bank.deposit("alice", 1)
    bank.open("carol", 5)
    assert verify_log(bank.log, against=sealed).sound


@pytest.mark.parametrize(
    ("field", "value"),
    [("state", '{"amount":1}'), ("meta", "{}"), ("type", "account.closed"), ("commandId", "x"), ("hash", "0" * 64)],
)
def test_a_changed_field_is_found_at_its_event(bank: Bank, field: str, value: str) -> None:
    bank.alter(ALICE, 2, **{field: value})
    verdict = verify_log(bank.log)
    assert broken(verdict)[0][:2] == (ALICE, 2)
    assert verdict.bad == 1


def test_a_missing_event_between_others_is_found_at_the_next_one(bank: Bank) -> None:
    bank.remove(ALICE, 3)
    assert broken(verify_log(bank.log)) == [(ALICE, 4, "follows version 2")]


def test_a_stream_whose_first_event_is_gone_is_still_walked(bank: Bank) -> None:
    bank.remove(ALICE, 1)
    assert broken(verify_log(bank.log)) == [(ALICE, 2, "does not follow the event before it")]


def test_exchanged_events_are_found(bank: Bank) -> None:
    second, third = bank.document(ALICE, 2), bank.document(ALICE, 3)
    bank.remove(ALICE, 2, 3)
    bank.events.create_item(third | {"id": event_id(2), "version": 2})
    bank.events.create_item(second | {"id": event_id(3), "version": 3})
    assert broken(verify_log(bank.log))[0][:2] == (ALICE, 2)


def test_an_altered_refusal_is_found(bank: Bank) -> None:
    (outcome,) = bank.log.outcomes(ALICE)
    bank.events.replace_item(outcome["id"], outcome | {"state": "{}"})
    verdict = verify_log(bank.log)
    assert [each.stream for each in verdict.broken] == [ALICE]
    assert "outcome -" in verdict.broken[0].problem


def test_a_missing_tail_shows_only_against_a_digest(bank: Bank, sealed: KeptDigest) -> None:
    bank.remove(ALICE, 4, 5)
    assert verify_log(bank.log).sound
    assert broken(verify_log(bank.log, against=sealed)) == [(ALICE, 4, "truncated")]


def test_a_deleted_stream_shows_only_against_a_digest(bank: Bank, sealed: KeptDigest) -> None:
    bank.remove("account-bob", 1, 2)
    assert verify_log(bank.log).sound
    assert broken(verify_log(bank.log, against=sealed)) == [("account-bob", None, "deleted")]


def test_deleted_streams_at_both_ends_of_the_names_are_found(bank: Bank, sealed: KeptDigest) -> None:
    (outcome,) = bank.log.outcomes(ALICE)
    bank.remove(ALICE, 1, 2, 3, 4, 5)
    bank.events.delete_item(outcome["id"], ALICE)
    bank.remove("transfer-t1", 1, 2)
    found = broken(verify_log(bank.log, against=sealed))
    assert found == [(ALICE, None, "deleted"), ("transfer-t1", None, "deleted")]


def test_a_stream_of_which_only_refusals_are_left_is_truncated(bank: Bank, sealed: KeptDigest) -> None:
    bank.remove(ALICE, 1, 2, 3, 4, 5)
    assert broken(verify_log(bank.log, against=sealed)) == [(ALICE, None, "truncated")]


def test_a_history_written_anew_shows_only_against_a_digest(bank: Bank, sealed: KeptDigest) -> None:
    bank.rewrite(ALICE, 2, '"amount":1000', '"amount":9000')
    assert verify_log(bank.log).sound
    verdict = verify_log(bank.log, against=sealed)
    assert [(each.stream, each.version) for each in verdict.broken] == [(ALICE, 5)]
    assert verdict.broken[0].problem.startswith("rewritten")


def test_single_streams_are_verified_alone(bank: Bank, sealed: KeptDigest) -> None:
    bank.alter(ALICE, 2, state="{}")
    assert verify_log(bank.log, ["account-bob"], against=sealed).sound
    verdict = verify_log(bank.log, [ALICE, "account-bob"], against=sealed)
    assert (verdict.streams, [each.stream for each in verdict.broken]) == (2, [ALICE])


def test_a_stream_that_never_was_is_an_error_and_one_that_was_is_broken(bank: Bank, sealed: KeptDigest) -> None:
    with pytest.raises(StreamUnknown, match="account-nobody"):
        verify_log(bank.log, ["account-nobody"])
    bank.remove("account-bob", 1, 2)
    assert broken(verify_log(bank.log, ["account-bob"], against=sealed)) == [("account-bob", None, "deleted")]


def test_streams_are_taken_up_only_as_fast_as_they_are_verified(bank: Bank) -> None:
    taken = 0

    def names() -> Iterator[tuple[str, None]]:
        nonlocal taken
        while True:  # a log without end: whoever collected the names first would never return
            taken += 1
            yield "account-bob", None

    verified = bank.log.verified(names(), jobs=3)
    for done in range(1, 20):
        assert next(verified).sound
        assert taken <= done + 6
    verified.close()
