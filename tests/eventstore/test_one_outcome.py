"""One command id, one outcome, for ever: whatever goes wrong when it is asked again, what was recorded comes back."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore.commands.store import Command, CommandStore, Outcome
from eventstore.errors import (
    CommandReused,
    EventNotStorable,
    EventTooLarge,
    KeysUnavailable,
    MasterKeyUnusable,
    StoreUnavailable,
    TooManyEvents,
    UnknownEventType,
)
from eventstore.log.mapper import Mapper
from localazure.cosmos import LocalCosmos
from tests.eventstore.conftest import STREAM, NewStore, let_lag, open_purse, pay_in, pay_out
from tests.eventstore.purse import Purse, Refused

_streams = itertools.count()

Decide = Callable[[Purse | None], Any]


def _raising(error: Exception) -> Decide:
    def decide(_: Purse | None) -> Any:
        raise error

    return decide


def _half_way(purse: Purse | None) -> Any:
    """Changes the aggregate and then fails."""
    _opened(purse).pay_in(1)
    raise ValueError("too late")


def _too_many(purse: Purse | None) -> Any:
    purse = _opened(purse)
    for _ in range(101):
        purse.pay_in(1)
    return purse


def _opened(purse: Purse | None) -> Purse:
    return purse or Purse.open(STREAM)


WRONG: dict[str, tuple[Decide, type[Exception]]] = {
    "a term is over": (_raising(ValueError("a hold expires later than that")), ValueError),
    "half way": (_half_way, ValueError),
    "too many events": (_too_many, TooManyEvents),
    "a number that is none": (lambda purse: _opened(purse).pay_in(0.5), EventNotStorable),  # type: ignore[arg-type]
    "of another stream": (lambda _: Purse.open("purse-other"), ValueError),
    "no master key": (_raising(MasterKeyUnusable("not there")), MasterKeyUnusable),
    "keys away": (_raising(KeysUnavailable("not now")), KeysUnavailable),
    "another stream away": (_raising(StoreUnavailable("purse-b", 4)), StoreUnavailable),
}


class _OlderProgram(Mapper[str]):
    """A program that does not know the latest events."""

    def to_domain_event(self, stored_event: Any) -> Any:
        if stored_event.topic == Purse.PaidIn.TOPIC:
            raise UnknownEventType(stored_event.originator_id, stored_event.originator_version, stored_event.topic)
        return super().to_domain_event(stored_event)


@pytest.fixture
def stores(new_store: NewStore) -> dict[str, CommandStore]:
    return {name: new_store() for name in ("first", "warm", "stale")}


def _first(store: CommandStore, stream: str, kind: str) -> tuple[Command, Outcome]:
    """A command that was accepted, refused, or had nothing to do."""
    if kind == "accepted":
        return Command("asked", "in 1"), pay_in(store, 1, "asked", stream=stream)
    if kind == "refused":
        return Command("asked", "out 1000000"), pay_out(store, 1_000_000, "asked", stream=stream)
    command = Command("asked", "nothing")
    return command, store.execute(stream, command, lambda purse: purse, answer=lambda purse: {"balance": purse.balance})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["accepted", "refused", "nothing"]),
    wrong=st.sampled_from(list(WRONG)),
    asked=st.sampled_from(["first", "warm", "stale", "cold"]),
    later=st.integers(0, 2),
    lag=st.booleans(),
    answer_fails=st.booleans(),
)
def test_an_error_never_stands_in_for_the_outcome_that_was_recorded(
    stores: dict[str, CommandStore],
    new_store: NewStore,
    kind: str,
    wrong: str,
    asked: str,
    later: int,
    lag: bool,
    answer_fails: bool,
) -> None:
    stream = f"purse-{next(_streams)}"
    open_purse(stores["first"], balance=5, stream=stream)
    stores["stale"].glance(stream)
    command, before = _first(stores["first"], stream, kind)
    stores["warm"].glance(stream)
    for number in range(later):
        pay_in(stores["first"], 1, f"later-{number}", stream=stream)
    store = new_store() if asked == "cold" else stores[asked]
    decide = (lambda purse: purse.pay_in(1)) if answer_fails else WRONG[wrong][0]
    with pytest.MonkeyPatch.context() as patch:
        if lag:
            let_lag(patch)
        again = store.execute(stream, command, decide, answer=lambda _: {"wrong": 1 // 0} if answer_fails else {})
    assert again.replayed
    assert (again.version, again.answer, again.refusal, again.events) == (
        before.version,
        before.answer,
        before.refusal,
        before.events,
    )


@pytest.mark.parametrize(("decide", "error"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_an_error_of_a_command_that_was_never_recorded_is_raised_and_leaves_nothing(
    store: CommandStore, new_store: NewStore, decide: Decide, error: type[Exception], cold: bool
) -> None:
    open_purse(store, balance=5)
    asked = new_store() if cold else store
    with pytest.raises(error):
        asked.execute(STREAM, Command("asked", "f"), decide)
    assert asked.recorded(STREAM, Command("asked", "f")) is None
    assert pay_in(asked, 1, "asked").version == 3
    assert asked.load(STREAM).balance == 6


def test_an_error_on_an_old_state_is_not_the_last_word(store: CommandStore, other: CommandStore) -> None:
    """The state that a process has in hand may be why it fails; on what is there by now the command is accepted."""
    open_purse(store)
    pay_in(other, 10, "foreign")

    def decide(purse: Purse) -> Purse:
        if purse.balance < 10:
            raise ValueError("not yet")
        return purse.pay_in(1)

    assert store.execute(STREAM, Command("asked", "f"), decide).version == 3


@pytest.mark.parametrize("lag", [False, True], ids=["", "lagging"])
@pytest.mark.parametrize("kind", ["accepted", "refused", "nothing"])
def test_a_program_that_cannot_read_the_stream_still_knows_what_became_of_a_command(
    store: CommandStore, new_store: NewStore, kind: str, lag: bool
) -> None:
    open_purse(store, balance=5)
    command, before = _first(store, STREAM, kind)
    pay_in(store, 1, "later")
    older = new_store(mapper=_OlderProgram())
    with pytest.MonkeyPatch.context() as patch:
        if lag:
            let_lag(patch)
        again = older.execute(STREAM, command, lambda purse: purse, expected_version=7)
        assert (again.replayed, again.version, again.answer) == (True, before.version, before.answer)
        with pytest.raises(UnknownEventType):
            older.execute(STREAM, Command("new", "f"), lambda purse: purse)
    for read in (older.load, older.glance):
        with pytest.raises(UnknownEventType):
            read(STREAM)


def test_a_command_too_large_to_be_recorded_is_still_looked_up(store: CommandStore) -> None:
    """Also where it is its metadata that is too large, which every document of a command carries."""
    open_purse(store)
    pay_in(store, 1, "asked")
    large = Command("asked", "in 1", {"reason": "x" * 2_100_000})
    assert store.execute(STREAM, large, lambda purse: purse.pay_in(1)).replayed  # type: ignore[union-attr]
    with pytest.raises(EventTooLarge):
        store.execute(STREAM, Command("new", "f", large.metadata), lambda purse: purse)


@pytest.mark.parametrize("kind", ["accepted", "refused", "nothing"])
def test_what_became_of_a_command_can_be_asked_for_without_deciding_it(
    store: CommandStore, other: CommandStore, cosmos: LocalCosmos, kind: str
) -> None:
    open_purse(store, balance=5)
    command, before = _first(store, STREAM, kind)
    with pytest.MonkeyPatch.context() as patch:
        let_lag(patch)
        again = other.recorded(STREAM, command)
    assert again is not None
    assert (again.version, again.answer, again.refusal) == (before.version, before.answer, before.refusal)
    with pytest.raises(CommandReused):
        other.recorded(STREAM, Command("asked", "something else"))
    cosmos.log.clear()
    assert other.recorded(STREAM, Command("never", "f")) is None
    assert other.recorded("purse-never", Command("never", "f")) is None
    assert len([each for each in cosmos.log.filter() if each.container == "events"]) == 4


def test_a_refusal_too_large_to_be_recorded_is_an_error_and_no_outcome(store: CommandStore) -> None:
    open_purse(store)

    def decide(_: Purse | None) -> Any:
        raise Refused("LARGE", "no", text="x" * 2_100_000)

    with pytest.raises(EventTooLarge):
        store.execute(STREAM, Command("asked", "f"), decide)
    assert store.recorded(STREAM, Command("asked", "f")) is None
