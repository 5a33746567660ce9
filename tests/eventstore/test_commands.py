"""A command is accepted, refused, or has nothing to do; whichever it is, it stays that."""

import pytest

from eventstore.commands.store import Command, CommandStore, Refusal
from eventstore.errors import CommandInvalid, CommandReused, EventTooLarge, TooManyEvents, VersionMismatch
from eventstore.log import position
from eventstore.log.history import History
from localazure.cosmos import LocalCosmos
from tests.eventstore.conftest import STREAM, NewStore, open_purse, pay_in, pay_out
from tests.eventstore.purse import Purse


def test_an_accepted_command_answers_with_version_facts_and_a_position(store: CommandStore) -> None:
    opened = open_purse(store, balance=10)
    assert (opened.version, opened.events, opened.answer) == (2, 2, {"balance": 10})
    assert (opened.replayed, opened.refusal) == (False, None)
    at = position.decode(opened.position)
    assert (at.stream, at.version) == (STREAM, 2)
    assert at.lsn is not None


def test_a_repeated_command_gets_its_first_answer_whatever_happened_since(
    store: CommandStore, other: CommandStore, history: History
) -> None:
    open_purse(store)
    first = pay_in(store, 5, "key")
    pay_in(store, 1, "another")
    for where in (store, other):
        again = pay_in(where, 5, "key")
        assert (again.version, again.answer, again.events, again.replayed) == (first.version, {"balance": 5}, 1, True)
    assert [event.version for event in history.stream(STREAM)] == [1, 2, 3]


def test_a_repeated_command_of_several_events_answers_with_the_version_of_the_last(
    store: CommandStore, other: CommandStore
) -> None:
    assert open_purse(store, balance=7).version == 2
    pay_in(store, 1, "key")
    again = open_purse(other, balance=7)
    assert (again.version, again.events, again.replayed, again.answer) == (2, 2, True, {"balance": 7})


def test_a_refusal_is_an_outcome_and_stays_one_after_the_reason_is_gone(
    store: CommandStore, other: CommandStore, history: History
) -> None:
    open_purse(store)
    refusal = Refusal("TOO_LITTLE", "3 asked, 0 there", {"asked": 3, "there": 0})
    refused = pay_out(store, 3, "key")
    assert (refused.refusal, refused.version, refused.replayed, refused.events) == (refusal, 1, False, 0)
    pay_in(store, 100, "rich")
    for where in (store, other):
        again = pay_out(where, 3, "key")
        assert (again.refusal, again.version, again.replayed) == (refusal, 1, True)
    assert len(list(history.stream(STREAM))) == 2


def test_a_command_that_has_nothing_to_do_is_an_outcome_too(store: CommandStore, other: CommandStore) -> None:
    open_purse(store, balance=1)
    decided: list[int] = []

    def nothing(purse: Purse | None) -> Purse | None:
        assert purse is not None
        decided.append(purse.version)
        return purse

    done = store.execute(STREAM, Command("key", "f"), nothing, answer=lambda purse: {"balance": purse.balance})
    assert (done.events, done.refusal, done.answer, done.version) == (0, None, {"balance": 1}, 2)
    pay_in(store, 100, "rich")
    again = other.execute(STREAM, Command("key", "f"), nothing, answer=lambda purse: {"balance": purse.balance})
    assert (again.answer, again.version, again.replayed) == ({"balance": 1}, 2, True)
    assert set(decided) == {2}


def test_a_command_on_a_stream_without_events_can_be_refused(store: CommandStore, history: History) -> None:
    refused = pay_out(store, 3, "key")
    assert refused.refusal is not None
    assert (refused.refusal.code, refused.version) == ("NO_PURSE", 0)
    open_purse(store, balance=3)
    assert pay_out(store, 3, "key").refusal == refused.refusal
    assert [outcome.command_id for outcome in history.outcomes(STREAM)] == ["key"]


def test_the_same_id_with_another_content_is_an_error(store: CommandStore, other: CommandStore) -> None:
    open_purse(store)
    pay_in(store, 5, "key")
    pay_out(store, 50, "refused")
    for where in (store, other):
        with pytest.raises(CommandReused, match="key"):
            pay_in(where, 6, "key")
        with pytest.raises(CommandReused, match="refused"):
            pay_out(where, 51, "refused")


def test_ids_are_unique_within_a_stream_and_free_across_streams(store: CommandStore) -> None:
    assert open_purse(store, stream="purse-a", key="key").version == 1
    assert open_purse(store, stream="purse-b", key="key").version == 1


@pytest.mark.parametrize("bad", ["", "a/1", "x" * 513, "😀" * 300])
def test_an_id_that_could_be_taken_for_another_is_refused(bad: str) -> None:
    with pytest.raises(CommandInvalid, match="1 to 512 characters of 1,000 bytes at most, no '/'"):
        Command(bad, "f")


def test_an_expected_version_lets_a_command_through_only_there(store: CommandStore, other: CommandStore) -> None:
    open_purse(store)
    assert pay_in(store, 5, "first", expected_version=1).version == 2
    with pytest.raises(VersionMismatch, match="at version 2, not 1") as raised:
        pay_in(store, 5, "second", expected_version=1)
    assert (raised.value.actual, raised.value.expected) == (2, 1)
    pay_in(other, 5, "foreign")
    assert pay_in(store, 5, "second", expected_version=3).version == 4


def test_a_repeated_command_is_recognised_before_its_expected_version_is_compared(
    store: CommandStore, other: CommandStore
) -> None:
    open_purse(store)
    pay_in(store, 5, "key", expected_version=1)
    for where in (store, other):
        assert pay_in(where, 5, "key", expected_version=1).replayed


def test_an_exception_that_is_no_refusal_passes_through_and_leaves_nothing(
    store: CommandStore, history: History
) -> None:
    open_purse(store, balance=5)

    def broken(purse: Purse | None) -> Purse:
        assert purse is not None
        purse.pay_in(1000)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.execute(STREAM, Command("key", "f"), broken)
    assert pay_in(store, 1, "key").answer == {"balance": 6}
    assert [event.command_id for event in history.stream(STREAM)] == ["open", "open/1", "key"]


def test_a_failing_answer_leaves_nothing_either(store: CommandStore) -> None:
    open_purse(store, balance=5)
    with pytest.raises(ZeroDivisionError):
        store.execute(STREAM, Command("key", "f"), lambda p: p.pay_in(1), answer=lambda _: {"wrong": 1 // 0})  # type: ignore[union-attr]
    assert pay_in(store, 1, "key").answer == {"balance": 6}


def test_a_refusal_after_the_first_of_two_steps_takes_the_first_back(store: CommandStore, history: History) -> None:
    open_purse(store, balance=5)

    def two_steps(purse: Purse | None) -> Purse:
        assert purse is not None
        return purse.pay_in(10).pay_out(100)

    refused = store.execute(STREAM, Command("key", "f"), two_steps)
    assert refused.refusal is not None
    assert refused.refusal.details == {"asked": 100, "there": 15}
    assert pay_in(store, 1, "next").answer == {"balance": 6}
    assert len(list(history.stream(STREAM))) == 3


def test_events_that_do_not_follow_the_stream_are_refused_before_they_are_sent(
    store: CommandStore, cosmos: LocalCosmos
) -> None:
    open_purse(store)
    with pytest.raises(ValueError, match="must go on from the aggregate"):
        store.execute(STREAM, Command("key", "f"), lambda _: Purse.open(STREAM))
    with pytest.raises(ValueError, match="purse-b"):
        store.execute("purse-new", Command("key", "f"), lambda _: Purse.open("purse-b"))
    assert cosmos.log.count("create", container="events") == 1


def test_too_much_for_one_transaction_is_refused_before_it_is_sent(store: CommandStore, cosmos: LocalCosmos) -> None:
    open_purse(store)

    def pay_in_often(purse: Purse | None) -> Purse:
        assert purse is not None
        for _ in range(101):
            purse.pay_in(1)
        return purse

    with pytest.raises(TooManyEvents, match="101 events"):
        store.execute(STREAM, Command("many", "f"), pay_in_often)
    with pytest.raises(EventTooLarge, match="2097152"):
        store.execute("purse-b", Command("large", "f"), lambda _: Purse.open("purse-b", owner="x" * 2_100_000))
    assert cosmos.log.count("batch", status=200) == 0
    assert cosmos.log.count("create", container="events") == 1
    assert pay_in(store, 1, "next").answer == {"balance": 1}


def test_metadata_is_kept_with_every_event_and_the_fingerprint_with_the_first(
    store: CommandStore, history: History
) -> None:
    metadata = {"recorded_at": "2026-03-01T12:30:00+00:00", "actor": "clerk", "traceparent": "00-1-2-03"}
    command = Command("key", "print", metadata)
    store.execute(STREAM, command, lambda _: Purse.open(STREAM).pay_in(1), answer=lambda p: {"balance": p.balance})
    first, second = history.stream(STREAM)
    assert first.meta == metadata | {
        "id": first.meta["id"],
        "fingerprint": "print",
        "count": 2,
        "answer": {"balance": 1},
    }
    assert second.meta == metadata | {"id": second.meta["id"]}
    assert first.meta["id"] != second.meta["id"]
    assert (first.command_id, second.command_id) == ("key", "key/1")


def test_load_gives_the_callers_own_aggregate_and_sees_what_the_process_was_answered(
    store: CommandStore, new_store: NewStore
) -> None:
    assert store.load(STREAM) is None
    open_purse(store, balance=5)
    mine = store.load(STREAM)
    assert mine.balance == 5
    mine.pay_in(1000)
    assert pay_in(store, 1, "next").answer == {"balance": 6}
    pay_in(new_store(), 1, "foreign")
    assert store.load(STREAM).balance == 7
