"""A refusal is recorded before it is answered, and decided on a fresh state."""

import pytest

from eventstore.commands.store import CommandStore
from eventstore.errors import StoreUnavailable
from eventstore.log.history import History
from localazure.cosmos import LocalCosmos, RequestInfo
from tests.eventstore.conftest import STREAM, open_purse, pay_in, pay_out


def test_a_lost_answer_to_a_refusal_is_the_refusal(store: CommandStore, cosmos: LocalCosmos, history: History) -> None:
    open_purse(store)
    cosmos.faults.add(lose_answer=True, operation="create", container="events", count=1)
    refused = pay_out(store, 3, "key")
    assert refused.refusal is not None
    assert not refused.replayed
    assert len(list(history.outcomes(STREAM))) == 1


def test_a_refusal_that_could_not_be_recorded_is_not_answered(store: CommandStore, cosmos: LocalCosmos) -> None:
    open_purse(store)
    cosmos.faults.add(reset=True, operation="create", container="events")
    with pytest.raises(StoreUnavailable):
        pay_out(store, 3, "key")
    cosmos.faults.clear()
    pay_in(store, 100, "money")
    assert pay_out(store, 3, "key").refusal is None


def test_nothing_is_refused_on_an_old_state(store: CommandStore, other: CommandStore) -> None:
    open_purse(store)
    pay_in(other, 100, "money")
    assert pay_out(store, 30, "key").answer == {"balance": 70}


def test_an_accepted_command_is_never_refused_by_a_process_with_an_old_state(
    store: CommandStore, other: CommandStore
) -> None:
    open_purse(store)
    pay_in(other, 30, "money")
    pay_out(other, 30, "key")
    again = pay_out(store, 30, "key")
    assert (again.refusal, again.replayed) == (None, True)


def test_a_refusal_is_decided_at_a_session_token_that_the_primary_gave_in_that_moment(
    store: CommandStore, cosmos: LocalCosmos
) -> None:
    open_purse(store)
    seen: list[tuple[str, str | None, str | None]] = []

    def note(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.container == "events":
            headers = info.headers
            seen.append((info.operation, headers.get("x-ms-consistency-level"), headers.get("x-ms-session-token")))

    cosmos.faults.on_request(note)
    pay_out(store, 3, "key")
    (fence, fence_level, _), (read, read_level, token), (write, write_level, _) = seen
    assert (fence, read, write) == ("batch", "query", "create")
    assert (fence_level, read_level, write_level) == ("Eventual", "Session", "Eventual")
    assert token


def test_the_fence_before_a_refusal_leaves_no_trace(store: CommandStore, cosmos: LocalCosmos, history: History) -> None:
    open_purse(store)
    cosmos.faults.add(reset=True, operation="create", container="events")
    with pytest.raises(StoreUnavailable):
        pay_out(store, 3, "key")
    assert list(history.outcomes(STREAM)) == []
    assert cosmos.log.count("batch", container="events", status=207) == 1
