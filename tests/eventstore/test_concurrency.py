"""Many writers of one stream: contiguous versions, every success exactly once."""

import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eventstore.commands.cache import StreamLocks
from eventstore.commands.store import CommandStore
from eventstore.errors import StoreBusy
from eventstore.log.history import History
from localazure.cosmos import LocalCosmos, RequestInfo, RunningServer
from tests.eventstore.conftest import STREAM, NewStore, open_purse, pay_in, pay_out

ROOT = Path(__file__).parents[2]
WRITER = textwrap.dedent(
    """
    import sys
    from concurrent.futures import ThreadPoolExecutor

    from eventstore.cosmos.client import connect
    from eventstore.commands.store import CommandStore
    from eventstore.errors import StoreBusy
    from eventstore.log.mapper import Mapper
    from eventstore.cosmos.settings import CosmosSettings
    from tests.eventstore.conftest import pay_in
    from tests.eventstore.purse import PurseSnapshot, Refused, fold

    endpoint, database, name = sys.argv[1:]
    client = connect(CosmosSettings(endpoint=endpoint, database=database))
    store = CommandStore(
        client.get_database_client(database), mapper=Mapper(), fold=fold, refusals=Refused,
        snapshot_class=PurseSnapshot,
    )
    store.warm_up()
    print("ready", flush=True)
    sys.stdin.readline()

    def writer(number):
        for _ in range(200):
            try:
                return pay_in(store, 1, f"{name}-{number}").version
            except StoreBusy:
                continue
        raise AssertionError("never got through")

    with ThreadPoolExecutor(50) as pool:
        print(*pool.map(writer, range(50)), flush=True)
    """
)


def test_a_hundred_threads_on_one_stream_never_conflict_within_a_process(
    store: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    open_purse(store)
    cosmos.log.clear()
    with ThreadPoolExecutor(100) as pool:
        versions = list(pool.map(lambda number: pay_in(store, 1, f"key-{number}").version, range(100)))
    assert sorted(versions) == list(range(2, 102))
    assert cosmos.log.count("create", container="events", status=201) == 100
    assert cosmos.log.count("create", container="events", status=409) == 0
    assert [event.version for event in history.stream(STREAM)] == list(range(1, 102))
    assert store.load(STREAM).balance == 100


def test_two_processes_with_fifty_threads_each_append_contiguous_versions_to_one_stream(
    store: CommandStore, server: RunningServer, database: str, history: History
) -> None:
    open_purse(store)
    command = [sys.executable, "-c", WRITER, server.endpoint, database]
    writers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for name in ("left", "right")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    answered = [int(version) for writer in writers for version in writer.communicate("go\n")[0].split()]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert sorted(answered) == list(range(2, 102))
    events = list(history.stream(STREAM))
    assert [event.version for event in events] == list(range(1, 102))
    assert len({event.command_id for event in events}) == 101
    assert history.verify(STREAM).sound


def test_a_cached_state_stays_right_under_foreign_writes(new_store: NewStore) -> None:
    """Each sees the other's events, however often they take turns."""
    left, right = new_store(), new_store()
    open_purse(left)
    for turn in range(5):
        assert pay_in(left, 1, f"left-{turn}").answer == {"balance": 2 * turn + 1}
        assert pay_in(right, 1, f"right-{turn}").answer == {"balance": 2 * turn + 2}


def test_a_writer_that_loses_every_time_is_told_that_the_stream_is_busy(
    new_store: NewStore, other: CommandStore, cosmos: LocalCosmos, history: History
) -> None:
    store = new_store(attempts=3)
    open_purse(store)
    rivals: list[str] = []

    def faster(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.operation == "create" and b'"commandId":"key"' in info.body:
            rivals.append(f"rival-{len(rivals)}")
            pay_in(other, 1, rivals[-1])

    remove = cosmos.faults.on_request(faster)
    with pytest.raises(StoreBusy, match="faster 3 times"):
        pay_out(store, 0, "key")
    remove()
    assert [event.command_id for event in history.stream(STREAM)] == ["open", *rivals]
    assert pay_out(store, 0, "key").version == 5


def test_a_writer_waits_for_its_turn_no_longer_than_it_was_told_to() -> None:
    locks = StreamLocks(patience=0.01)
    with locks.hold("a"), locks.hold("b"), pytest.raises(StoreBusy, match=r"waited 0\.01 s"), locks.hold("a"):
        raise AssertionError("two at a time")
    with locks.hold("a"):
        pass


def test_writers_of_different_streams_do_not_wait_for_each_other() -> None:
    locks = StreamLocks(patience=10)
    inside = threading.Barrier(2, timeout=5)

    def writer(stream: str) -> None:
        with locks.hold(stream):
            inside.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(writer, ["a", "b"]))


def test_the_cache_lets_go_of_what_was_used_longest_ago(new_store: NewStore, cosmos: LocalCosmos) -> None:
    store = new_store(cache_size=2)
    for stream in ("purse-a", "purse-b", "purse-c"):
        open_purse(store, stream=stream)
    cosmos.log.clear()
    pay_in(store, 1, "warm", stream="purse-b")
    pay_in(store, 1, "warm", stream="purse-c")
    assert len(cosmos.log.filter(container="events")) == cosmos.log.count("create") == 2
    pay_in(store, 1, "cold", stream="purse-a")
    assert cosmos.log.count("query", container="events") == 1
