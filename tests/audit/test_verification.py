"""Tampering in every way that somebody with the keys of the database has, and what finds it."""

import tracemalloc
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.digests.archive import Archive, KeptDigest
from audit.digests.heads import Head
from audit.errors import StreamUnknown
from audit.sealing import seal
from audit.verification.verify import Verdict, verify_log, verify_pages
from eventstore.log.chain import genesis
from eventstore.log.documents import Document, event_id
from eventstore.log.documents import sealed as sealed_document
from localazure.cosmos import LocalCosmos
from tests.audit.bank import NOON, Bank, hash_of

ALICE = "account-alice"


def broken(verdict: Verdict) -> list[tuple[str, int | None, str]]:
    return [(each.stream, each.version, each.problem.partition(":")[0]) for each in verdict.broken]


def test_a_log_that_nobody_touched_verifies_with_and_without_a_digest(bank: Bank, sealed: KeptDigest) -> None:
    plain, compared = verify_log(bank.log), verify_log(bank.log, against=sealed)
    assert (plain.sound, compared.sound) == (True, True)
    assert (plain.streams, plain.events, plain.outcomes) == (3, 9, 1)
    assert (compared.digest, compared.sealed) == (1, 3)


def test_every_stream_is_told_in_the_order_of_names(bank: Bank) -> None:
    seen: list[tuple[str, int, int]] = []
    verify_log(bank.log, each=lambda head, outcomes: seen.append((head.stream, head.version, len(list(outcomes)))))
    assert seen == [("account-alice", 5, 1), ("account-bob", 2, 0), ("transfer-t1", 2, 0)]


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


def test_a_refusal_that_was_removed_shows_only_against_a_digest(bank: Bank, sealed: KeptDigest) -> None:
    (outcome,) = bank.log.outcomes(ALICE)
    bank.events.delete_item(outcome["id"], ALICE)
    assert verify_log(bank.log).sound
    for streams in ((), (ALICE,)):
        (found,) = verify_log(bank.log, streams, against=sealed).broken
        assert (found.stream, found.problem) == (
            ALICE,
            f"outcome {outcome['id']} was removed after the digest was made",
        )


def test_a_refusal_that_was_written_anew_shows_only_against_a_digest(bank: Bank, sealed: KeptDigest) -> None:
    (outcome,) = bank.log.outcomes(ALICE)
    outcome["state"] = outcome["state"].replace("5000", "9000").replace("INSUFFICIENT_FUNDS", "ACCOUNT_FROZEN")
    bank.events.replace_item(outcome["id"], outcome | {"hash": hash_of(outcome)})
    assert verify_log(bank.log).sound
    (found,) = verify_log(bank.log, against=sealed).broken
    assert (found.stream, found.problem) == (ALICE, f"outcome {outcome['id']} was rewritten after the digest was made")


def test_refusals_that_come_after_a_digest_do_not_break_it(bank: Bank, sealed: KeptDigest) -> None:
    for _ in range(5):
        bank.act("alice", lambda account: account.withdraw(9_000, at=bank.clock.now))
    bank.act("nobody", lambda account: account.withdraw(1, at=bank.clock.now))
    verdict = verify_log(bank.log, against=sealed)
    assert (verdict.sound, verdict.outcomes) == (True, 7)


def test_a_stream_of_refusals_alone_is_sealed_and_missed(bank: Bank, archive: Archive, key: Ed25519PrivateKey) -> None:
    bank.act("nobody", lambda account: account.withdraw(1, at=bank.clock.now))
    kept = seal(bank.log, archive, key, database="tidemark", made_at="2026-03-01T13:00:00+00:00")
    assert (kept.digest.streams, kept.digest.outcomes) == (4, 2)
    assert verify_log(bank.log, against=kept).sound
    (outcome,) = bank.log.outcomes("account-nobody")
    bank.events.delete_item(outcome["id"], "account-nobody")
    assert broken(verify_log(bank.log, against=kept)) == [("account-nobody", None, "deleted")]
    bank.open("nobody")
    (found,) = verify_log(bank.log, against=kept).broken
    assert found.problem == f"outcome {outcome['id']} was removed after the digest was made"


def test_an_event_that_was_replaced_by_itself_is_no_fault(bank: Bank, archive: Archive, key: Ed25519PrivateKey) -> None:
    bank.alter(ALICE, 2)  # the change feed brings it a second time, behind the last one
    assert verify_log(bank.log).sound
    kept = seal(bank.log, archive, key, database="tidemark", made_at="2026-03-01T13:00:00+00:00")
    heads = [line for line in kept.lines() if isinstance(line, Head)]
    assert (heads[0].stream, heads[0].version) == (ALICE, 5)


def test_a_document_that_belongs_to_no_stream_is_found(bank: Bank) -> None:
    bank.events.create_item({"id": "stray"})
    (found,) = verify_log(bank.log).broken
    assert found.problem == "document 'stray' belongs to no stream: None"


def test_a_log_over_several_ranges_that_split_meanwhile_is_read_once(
    bank: Bank, sealed: KeptDigest, cosmos: LocalCosmos, database: str
) -> None:
    for number in range(20):
        bank.open(f"more-{number}", 5)
    cosmos.split(database, "events")
    places = bank.log.feed()
    assert len(places) == 2
    cosmos.split(database, "events")
    documents = [document["id"] for place in places for page in place for document in page]
    plain = verify_log(bank.log, against=sealed)
    assert (plain.sound, plain.streams, plain.events, len(documents)) == (True, 23, 49, 50)


def test_memory_does_not_grow_with_the_number_of_streams(bank: Bank) -> None:
    documents = [opened(f"account-{number:060d}") for number in range(5_500)]

    def peak(streams: int) -> int:
        tracemalloc.start()
        try:
            verdict = verify_pages(bank.log.history, batched(documents[:streams], 500))
            assert (verdict.sound, verdict.streams) == (True, streams)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(2_500), peak(5_500)
    assert many < few + 3_000 * 20, "names alone would be 117 bytes for each of 3,000 streams more"


def batched(documents: list[Document], size: int) -> Iterator[list[Document]]:
    return (documents[first : first + size] for first in range(0, len(documents), size))


def opened(stream: str) -> Document:
    meta = {"recorded_at": NOON.isoformat()}
    return sealed_document(
        event_id(1),
        stream=stream,
        version=1,
        type_name="account.opened",
        schema=1,
        state=b"{}",
        meta=meta,
        command_id="1",
        prev=genesis(stream),
    )


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
