"""One id, one outcome, forever: under lost answers, requests that land late, retries and racing processes.

Each test here and in `test_refusals.py` fails when one rule is taken away: look the command up after every conflict;
keep ids unique; send the identical request again when there was no answer; record a refusal before it is answered;
decide it on a fresh state.
"""

import random
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from eventstore.commands.store import CommandStore, Outcome
from eventstore.errors import StoreBusy, StoreUnavailable
from eventstore.log.history import History
from localazure.cosmos import LocalCosmos, RequestInfo
from tests.eventstore.conftest import STREAM, NewStore, open_purse, pay_in, pay_out


def versions(history: History) -> list[int]:
    return [event.version for event in history.stream(STREAM)]


def before_next(cosmos: LocalCosmos, operation: str, action: Callable[[], object]) -> None:
    """Run `action` when the next request of this kind on the events arrives, before it is handled."""

    def on_request(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.container == "events" and info.operation == operation:
            remove()
            action()

    remove = cosmos.faults.on_request(on_request)


@pytest.mark.parametrize("timeout", [False, True], ids=["connection lost", "timed out"])
def test_a_command_whose_answer_was_lost_takes_effect_once_and_is_answered(
    store: CommandStore, cosmos: LocalCosmos, history: History, timeout: bool
) -> None:
    open_purse(store)
    cosmos.faults.add(lose_answer=True, timeout=timeout, operation="create", container="events", count=1)
    paid = pay_in(store, 5, "key")
    assert (paid.version, paid.answer, paid.events, paid.refusal) == (2, {"balance": 5}, 1, None)
    assert not paid.replayed
    assert versions(history) == [1, 2]
    assert pay_in(store, 1, "next").answer == {"balance": 6}


def test_a_command_of_several_events_whose_answer_was_lost_takes_effect_once(
    store: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    cosmos.faults.add(lose_answer=True, operation="batch", container="events", count=1)
    opened = open_purse(store, balance=3)
    assert (opened.version, opened.events, opened.replayed) == (2, 2, False)
    assert versions(history) == [1, 2]


@pytest.mark.parametrize("status", [408, 500, 503])
def test_a_command_that_was_committed_and_answered_with_a_failure_takes_effect_once(
    store: CommandStore, cosmos: LocalCosmos, history: History, status: int
) -> None:
    open_purse(store)
    cosmos.faults.add(lose_answer=True, status=status, operation="create", container="events", count=1)
    paid = pay_in(store, 5, "key")
    assert (paid.version, paid.answer, paid.replayed) == (2, {"balance": 5}, False)
    assert versions(history) == [1, 2]


def test_a_command_that_never_arrived_is_sent_again(store: CommandStore, cosmos: LocalCosmos, history: History) -> None:
    open_purse(store)
    cosmos.faults.add(reset=True, operation="create", container="events", count=1)
    assert pay_in(store, 5, "key").version == 2
    assert versions(history) == [1, 2]


@pytest.mark.parametrize("status", [408, 449, 500, 503])
def test_an_answer_that_says_nothing_is_treated_as_none(store: CommandStore, cosmos: LocalCosmos, status: int) -> None:
    open_purse(store)
    cosmos.faults.add(status=status, operation="create", container="events", count=1)
    assert pay_in(store, 5, "key").version == 2


def test_a_lost_answer_with_a_foreign_event_behind_it_is_recognised(
    store: CommandStore, other: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    open_purse(store)
    cosmos.faults.add(lose_answer=True, operation="create", container="events", count=1)

    def foreign_event_before_the_request_comes_again(info: RequestInfo, phase: str) -> None:
        if phase == "after" and info.operation == "create" and info.status == 201:
            remove()
            pay_in(other, 100, "foreign")

    remove = cosmos.faults.on_request(foreign_event_before_the_request_comes_again)
    paid = pay_in(store, 5, "key")
    assert (paid.version, paid.answer, paid.replayed) == (2, {"balance": 5}, False)
    assert [event.command_id for event in history.stream(STREAM)] == ["open", "key", "foreign"]


def test_a_lost_request_that_was_overtaken_is_decided_again(
    store: CommandStore, other: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    open_purse(store, balance=5)
    cosmos.faults.add(reset=True, operation="create", container="events", count=1)
    before_next(cosmos, "create", lambda: pay_in(other, 100, "foreign"))
    assert pay_out(store, 50, "key").refusal is not None
    assert pay_out(store, 20, "second").answer == {"balance": 85}
    assert [event.command_id for event in history.stream(STREAM)] == ["open", "open/1", "foreign", "second"]


def test_a_command_without_any_answer_is_unavailable_and_repeating_it_settles_it(
    store: CommandStore, other: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    open_purse(store)
    cosmos.faults.add(lose_answer=True, operation="create", container="events")
    with pytest.raises(StoreUnavailable, match="repeat it with the same id"):
        pay_in(store, 5, "key")
    cosmos.faults.clear()
    for where in (store, other):
        assert pay_in(where, 5, "key").answer == {"balance": 5}
    assert versions(history) == [1, 2]


def test_a_command_that_was_written_before_it_was_throttled_says_that_it_may_be_there(
    store: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    """The SDK sends again by itself: all that is seen of the write is that its repetition was throttled."""
    open_purse(store)
    cosmos.faults.add(lose_answer=True, status=503, operation="create", container="events", count=1)
    cosmos.faults.add(status=429, retry_after_ms=1, operation="create", container="events")
    with pytest.raises(StoreBusy, match=r"throttles it\), the command may have taken effect: repeat it later"):
        pay_in(store, 5, "key")
    cosmos.faults.clear()
    assert versions(history) == [1, 2]
    assert pay_in(store, 5, "key").replayed
    assert versions(history) == [1, 2]


def test_a_throttled_command_is_busy_and_has_left_nothing(
    store: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    open_purse(store)
    cosmos.faults.add(status=429, retry_after_ms=1, operation="create", container="events")
    with pytest.raises(StoreBusy, match="throttles"):
        pay_in(store, 5, "key")
    cosmos.faults.clear()
    assert versions(history) == [1]
    assert pay_in(store, 5, "key").version == 2


def test_a_request_that_lands_long_after_its_sender_gave_up_changes_nothing(
    store: CommandStore, other: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    open_purse(store)
    late: list[RequestInfo] = []

    def keep(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.operation == "create":
            late.append(info)

    remove = cosmos.faults.on_request(keep)
    cosmos.faults.add(reset=True, operation="create", container="events")
    with pytest.raises(StoreUnavailable):
        pay_in(store, 5, "key")
    remove()
    cosmos.faults.clear()
    assert len({info.body for info in late}) == 1, "the identical request, byte for byte"

    pay_in(other, 100, "foreign")
    assert pay_in(other, 5, "key").version == 3
    assert _send(cosmos, late[0]) == 409
    assert pay_in(store, 5, "key").version == 3
    assert [event.command_id for event in history.stream(STREAM)] == ["open", "foreign", "key"]


def test_a_refusal_that_lands_after_its_command_was_accepted_elsewhere_is_answered_as_accepted(
    store: CommandStore, other: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    """One attempt decides to refuse, money arrives, another attempt is accepted; then the refusal is written."""
    open_purse(store)

    def accepted_elsewhere() -> None:
        pay_in(other, 100, "money")
        assert pay_out(other, 30, "key").refusal is None

    before_next(cosmos, "create", accepted_elsewhere)
    paid = pay_out(store, 30, "key")
    assert (paid.refusal, paid.answer, paid.version, paid.replayed) == (None, {"balance": 70}, 3, True)
    assert list(history.outcomes(STREAM)) == []


def test_an_acceptance_that_is_decided_after_its_command_was_refused_elsewhere_is_answered_as_refused(
    store: CommandStore, other: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    open_purse(store, balance=30)

    def refused_elsewhere() -> None:
        pay_out(other, 30, "rival")
        assert pay_out(other, 30, "key").refusal is not None

    before_next(cosmos, "create", refused_elsewhere)
    paid = pay_out(store, 30, "key")
    assert paid.refusal is not None
    assert paid.replayed
    assert [event.command_id for event in history.stream(STREAM)] == ["open", "open/1", "rival"]


def test_a_lagging_replica_delays_a_command_and_changes_nothing(
    lagging_replica: None, store: CommandStore, other: CommandStore, history: History
) -> None:
    open_purse(store)
    pay_in(store, 30, "money")
    assert pay_in(other, 5, "key").answer == {"balance": 35}
    assert versions(history) == [1, 2, 3]


def test_nothing_is_refused_by_a_lagging_replica(
    lagging_replica: None, store: CommandStore, other: CommandStore, history: History
) -> None:
    open_purse(store)
    pay_in(store, 30, "money")
    assert pay_out(other, 30, "key").answer == {"balance": 0}
    assert list(history.outcomes(STREAM)) == []


def test_a_repeated_command_is_recognised_beside_a_lagging_replica(
    lagging_replica: None, store: CommandStore, new_store: NewStore
) -> None:
    open_purse(store, balance=30)
    pay_out(store, 30, "key")
    assert pay_out(new_store(), 30, "key").replayed
    pay_out(store, 30, "refused")
    assert pay_out(new_store(), 30, "refused").replayed


def test_whatever_goes_wrong_every_command_has_one_effect_and_one_answer(
    new_store: NewStore, cosmos: LocalCosmos, history: History
) -> None:
    """Three processes, clients that repeat until they are answered, and a network that loses a fifth of everything."""
    stores = [new_store(cache_size=2) for _ in range(3)]
    open_purse(stores[0], balance=10)
    for fault in ({"lose_answer": True}, {"reset": True}, {"lose_answer": True, "timeout": True}):
        for operation in ("create", "batch"):
            cosmos.faults.add(**fault, operation=operation, container="events", probability=0.07, seed=11)
    answers: dict[str, list[Outcome]] = defaultdict(list)
    guard = threading.Lock()

    def client(number: int) -> None:
        chance = random.Random(number)
        for step in range(14):
            amount = chance.choice([-8, -5, 4, 6])
            key = f"key-{step}-{amount}"
            outcome = _until_answered(chance.choice(stores), amount, key)
            with guard:
                answers[key].append(outcome)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(client, range(6)))
    cosmos.faults.clear()

    events = list(history.stream(STREAM))
    effects = [event.command_id for event in events]
    assert len(effects) == len(set(effects))
    assert [event.version for event in events] == list(range(1, len(events) + 1))
    for key, outcomes in answers.items():
        assert len({(each.version, str(each.answer), str(each.refusal)) for each in outcomes}) == 1, key
        assert (outcomes[0].refusal is None) == (key in effects), key
    assert history.verify(STREAM).sound
    balance = stores[0].load(STREAM).balance
    assert balance == 10 + sum(int(key.rpartition("-")[2]) * (1 if "--" not in key else -1) for key in effects[2:])
    assert balance >= 0


def _until_answered(store: CommandStore, amount: int, key: str) -> Outcome:
    for _ in range(50):
        try:
            return pay_in(store, amount, key) if amount > 0 else pay_out(store, -amount, key)
        except (StoreBusy, StoreUnavailable):
            continue
    raise AssertionError(f"{key} was never answered")


def _send(cosmos: LocalCosmos, info: RequestInfo) -> int:
    """Deliver a request that was kept back."""
    from localazure.cosmos.protocol.message import Request

    return cosmos.exchange(Request(info.method, info.path, dict(info.headers), info.body, cosmos.endpoint)).status
