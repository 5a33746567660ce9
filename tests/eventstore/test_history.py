"""The log, read in every direction."""

import gc
import tracemalloc
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, cast

import pytest
from azure.core.paging import ItemPaged, PageIterator
from azure.cosmos import ContainerProxy

from eventstore.commands.store import Command, CommandStore
from eventstore.cosmos.queries import run_query
from eventstore.log import position
from eventstore.log.chain import genesis
from eventstore.log.documents import event_id, sealed
from eventstore.log.history import History
from localazure.cosmos import LocalCosmos, RequestInfo
from tests.eventstore.conftest import STREAM, open_purse, pay_in, pay_out
from tests.eventstore.purse import AT, Purse


@pytest.fixture
def five(store: CommandStore) -> CommandStore:
    """Five events, recorded a day apart."""
    for day in range(5):
        metadata = {"recorded_at": (AT + timedelta(days=day)).isoformat(), "actor": f"clerk-{day}"}
        store.execute(STREAM, Command(f"key-{day}", "f", metadata), lambda p: p.pay_in(1) if p else Purse.open(STREAM))
    return store


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"descending": True}, [5, 4, 3, 2, 1]),
        ({"after": 2}, [3, 4, 5]),
        ({"after": 0}, [1, 2, 3, 4, 5]),
        ({"upto": 2}, [1, 2]),
        ({"after": 1, "upto": 4}, [2, 3, 4]),
        ({"after": 1, "upto": 4, "descending": True, "limit": 2}, [4, 3]),
        ({"limit": 3}, [1, 2, 3]),
        ({"after": 5}, []),
        ({"until": AT + timedelta(days=2)}, [1, 2, 3]),
        ({"until": AT + timedelta(days=2), "descending": True}, [3, 2, 1]),
        ({"until": AT - timedelta(days=1)}, []),
        ({"until": AT - timedelta(days=1), "descending": True}, []),
        ({"until": AT + timedelta(days=2), "after": 1, "limit": 1}, [2]),
    ],
    ids=str,
)
def test_a_stream_is_read_forwards_backwards_from_and_up_to(
    options: dict[str, int], expected: list[int], five: CommandStore, history: History
) -> None:
    assert [event.version for event in history.stream(STREAM, **options)] == expected  # type: ignore[arg-type]


def test_a_read_can_carry_the_session_token_of_what_it_must_see(
    five: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    session = position.decode(pay_in(five, 1, "key").position).session
    seen: list[tuple[str | None, str | None]] = []

    def note(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.container == "events":
            seen.append((info.headers.get("x-ms-consistency-level"), info.headers.get("x-ms-session-token")))

    cosmos.faults.on_request(note)
    assert len(list(history.stream(STREAM, session=session))) == 6
    assert list(history.outcomes(STREAM, session=session)) == []
    assert five.load(STREAM, session=session).balance == 5
    assert seen == [("Session", session)] * 3


def test_metadata_comes_along(five: CommandStore, history: History) -> None:
    third = next(history.stream(STREAM, after=2))
    assert third.meta["actor"] == "clerk-2"
    assert datetime.fromisoformat(third.recorded_at) == AT + timedelta(days=2)
    assert third.command_id == "key-2"


def test_outcomes_are_no_events_and_are_read_apart(five: CommandStore, history: History) -> None:
    pay_out(five, 100, "refused")
    five.execute(STREAM, Command("nothing", "f"), lambda purse: purse)
    assert len(list(history.stream(STREAM))) == 5
    found = {outcome.command_id: outcome for outcome in history.outcomes(STREAM)}
    assert found.keys() == {"refused", "nothing"}
    refusal = found["refused"].refusal
    assert refusal is not None
    assert (refusal.code, found["refused"].version, found["nothing"].refusal) == ("TOO_LITTLE", 5, None)
    assert found["refused"].prev == list(history.stream(STREAM))[-1].hash
    verified = history.verify(STREAM)
    assert (verified.sound, verified.events, verified.outcomes) == (True, 5, 2)


def test_all_streams_are_found_once_over_all_partitions(
    store: CommandStore, cosmos: LocalCosmos, database: str, history: History
) -> None:
    names = {f"purse-{number}" for number in range(40)}
    for name in sorted(names):
        open_purse(store, stream=name)
        pay_in(store, 1, "key", stream=name)
    pay_out(store, 1, "refused", stream="purse-never-opened")
    cosmos.split(database, "events")
    found = list(history.streams())
    assert len(found) == len(names)
    assert set(found) == names


def test_a_stream_that_begins_at_version_zero_is_found_once_too(events: ContainerProxy, history: History) -> None:
    prev = genesis(STREAM)
    for version in range(3):
        document = sealed(
            event_id(version),
            stream=STREAM,
            version=version,
            type_name="test",
            schema=1,
            state=b"{}",
            meta={},
            command_id=f"key-{version}",
            prev=prev,
        )
        prev = document["hash"]
        events.create_item(document)
    assert list(history.streams()) == [STREAM]
    assert [event.version for event in history.stream(STREAM)] == [0, 1, 2]
    assert history.verify(STREAM).sound


def test_tampering_in_the_database_is_found(five: CommandStore, events: ContainerProxy, history: History) -> None:
    document = events.read_item(event_id(3), STREAM)
    events.replace_item(document["id"], document | {"state": document["state"].replace('"amount":1', '"amount":9')})
    (fault,) = history.verify(STREAM).faults
    assert fault.document_id == event_id(3)
    events.delete_item(event_id(3), STREAM)
    assert [fault.document_id for fault in history.verify(STREAM).faults] == [event_id(4)] * 2


def test_reading_a_long_stream_takes_no_more_memory_than_a_short_one(
    store: CommandStore, events: ContainerProxy, history: History
) -> None:
    open_purse(store)
    for start in range(20):
        store.execute(STREAM, Command(f"key-{start}", "f"), lambda p: _many(p, 100))  # type: ignore[arg-type]

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            assert sum(1 for _ in islice(history.stream(STREAM), count)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(600)
    assert peak(2000) < 1.5 * peak(1000)


def test_a_page_boundary_loses_and_repeats_nothing(
    store: CommandStore, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_purse(store, balance=1)
    for number in range(7):
        pay_in(store, 1, f"key-{number}")
    pay_out(store, 100, "refused")
    for page in (1, 2, 3, 9, 10):
        monkeypatch.setattr("eventstore.log.history.PAGE", page)
        assert [event.version for event in history.stream(STREAM)] == list(range(1, 10))
        assert [event.version for event in history.stream(STREAM, descending=True)] == list(range(9, 0, -1))
        assert history.verify(STREAM).outcomes == 1


def _rows(*pages: list[dict[str, Any]]) -> ItemPaged[dict[str, Any]]:
    left = list(pages)
    return ItemPaged(lambda _: left.pop(0), lambda page: ("more" if left else None, page))


def test_a_query_that_another_thread_disturbed_is_asked_again() -> None:
    answers: list[Any] = [RuntimeError("dictionary changed size during iteration"), _rows([{"id": "1"}])]

    def ask() -> ItemPaged[dict[str, Any]]:
        answer = answers.pop(0)
        if isinstance(answer, RuntimeError):
            raise answer
        return cast("ItemPaged[dict[str, Any]]", answer)

    assert run_query(ask) == [{"id": "1"}]


def test_any_other_failure_of_a_query_passes_through() -> None:
    def ask() -> ItemPaged[dict[str, Any]]:
        raise RuntimeError("cannot schedule new futures")

    with pytest.raises(RuntimeError, match="futures"):
        run_query(ask)


@pytest.mark.parametrize(("limit", "found"), [(None, 4), (1, 1), (2, 2), (3, 3), (9, 4)])
def test_a_query_ends_at_its_limit_or_with_its_last_page(limit: int | None, found: int) -> None:
    pages = _rows([{"id": "1"}, {"id": "2"}], [], [{"id": "3"}, {"id": "4"}])
    assert [row["id"] for row in run_query(lambda: pages, limit=limit)] == ["1", "2", "3", "4"][:found]


def test_pages_that_were_read_are_free_at_once(store: CommandStore, history: History) -> None:
    open_purse(store, balance=1)
    gc.collect()
    gc.disable()
    try:
        assert len(list(history.documents(STREAM))) > 0
        assert [thing for thing in gc.get_objects() if isinstance(thing, PageIterator)] == []
    finally:
        gc.enable()


def _many(purse: Purse, count: int) -> Purse:
    for _ in range(count):
        purse.pay_in(1)
    return purse
