"""What was acknowledged is there: after a restart, and after SIGKILL in the middle of writes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from azure.cosmos import PartitionKey

from localazure.cosmos import LocalCosmos
from localazure.cosmos.storage.store import DataInUseError

ROUNDS = 8
BATCH = 5

WRITER = """
import itertools, sys, threading
from pathlib import Path
from localazure.cosmos import LocalCosmos

data, name = Path(sys.argv[1]), sys.argv[2]
cosmos = LocalCosmos(data)
print("ready", flush=True)

def write(thread):
    container = cosmos.client().get_database_client("db").get_container_client("c")
    for number in itertools.count():
        stream = f"{name}-{thread}-{number}"
        if number % 2:
            operations = [("create", ({"id": str(n), "pk": stream, "text": "x" * 200},)) for n in range(5)]
            container.execute_item_batch(operations, stream)
        else:
            container.create_item({"id": "0", "pk": stream})
            container.delete_item("0", stream)
            container.create_item({"id": "1", "pk": stream})
        sys.stdout.write(f"{stream}\\n")
        sys.stdout.flush()

for thread in range(2):
    threading.Thread(target=write, args=(thread,)).start()
"""


def test_a_restarted_server_goes_on_exactly_where_it_was(tmp_path: Path) -> None:
    captured: list[dict[str, str]] = []
    with LocalCosmos(tmp_path) as cosmos:
        database = cosmos.client().create_database("db", offer_throughput=1000)
        container = database.create_container(
            "c", PartitionKey(path="/pk"), default_ttl=-1, unique_key_policy={"uniqueKeys": [{"paths": ["/k"]}]}
        )
        container.create_item({"id": "1", "pk": "p", "k": 1})
        container.create_item({"id": "gone", "pk": "p", "k": 2})
        cosmos.split("db", "c")
        container.delete_item("gone", "p")
        list(container.query_items_change_feed(start_time="Beginning", response_hook=lambda h, _: captured.append(h)))
        before = (container.read(), container.read_item("1", "p"), database.get_throughput().offer_throughput)
        ranges = list(container.client_connection._ReadPartitionKeyRanges(container.container_link))
    with LocalCosmos(tmp_path) as cosmos:
        database = cosmos.client().get_database_client("db")
        container = database.get_container_client("c")
        assert (container.read(), container.read_item("1", "p"), database.get_throughput().offer_throughput) == before
        assert list(container.client_connection._ReadPartitionKeyRanges(container.container_link)) == ranges
        created = container.create_item({"id": "2", "pk": "p", "k": 3})
        assert created["_rid"] > before[1]["_rid"]
        changes = container.query_items_change_feed(continuation=captured[-1]["etag"])
        assert [item["id"] for item in changes] == ["2"]


def test_a_second_server_on_the_same_file_is_refused(tmp_path: Path) -> None:
    with LocalCosmos(tmp_path), pytest.raises(DataInUseError, match="in use by another server"):
        LocalCosmos(tmp_path)


def test_killing_the_server_loses_no_acknowledged_write_and_leaves_no_half_batch(tmp_path: Path) -> None:
    with LocalCosmos(tmp_path) as cosmos:
        cosmos.client().create_database("db").create_container("c", PartitionKey(path="/pk"))
    acknowledged: list[str] = []
    for round_number in range(ROUNDS):
        acknowledged += _written_until_killed(tmp_path, f"r{round_number}", lines=5 + 7 * (round_number % 4))
    with LocalCosmos(tmp_path) as cosmos:
        container = cosmos.client().get_database_client("db").get_container_client("c")
        stored: dict[str, set[str]] = {}
        for item in container.query_items_change_feed(start_time="Beginning"):
            stored.setdefault(item["pk"], set()).add(item["id"])
    whole_batch = {str(n) for n in range(BATCH)}
    for stream in acknowledged:
        assert stored.get(stream) == (whole_batch if int(stream.rsplit("-", 1)[1]) % 2 else {"1"})
    for stream, ids in stored.items():
        if int(stream.rsplit("-", 1)[1]) % 2:
            assert ids == whole_batch
    assert len(acknowledged) > ROUNDS * 5


def _written_until_killed(data: Path, name: str, lines: int) -> list[str]:
    """Streams that a writer reported as written before SIGKILL hit it."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(data), name], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    written = [process.stdout.readline() for _ in range(lines)]
    os.kill(process.pid, signal.SIGKILL)
    written += process.stdout.readlines()
    process.wait()
    return [line.strip() for line in written if line.endswith("\n")]


@pytest.mark.parametrize("step", ["Store.commit", "Writes.commit", "Writes.expiry"])
@pytest.mark.parametrize("keys", [[], [{"paths": ["/k"]}]], ids=["plain", "unique keys"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_write_that_is_interrupted_was_done_whole_or_not_at_all(
    step: str, keys: list[dict[str, list[str]]], count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalCosmos(tmp_path) as cosmos:
        database = cosmos.client().create_database("db")
        database.create_container(
            "c", PartitionKey("/pk"), default_ttl=-1, unique_key_policy={"uniqueKeys": keys} if keys else None
        )
        container = cosmos.client().get_database_client("db").get_container_client("c")

        def write(name: str) -> None:
            items = [{"id": f"{name}{n}", "pk": "p", "k": f"{name}{n}"} for n in range(count)]
            if count == 1:
                container.create_item(items[0])
            else:
                container.execute_item_batch([("create", (item,)) for item in items], "p")

        write("a")
        with monkeypatch.context() as patch:
            patch.setattr(f"localazure.cosmos.{step.split('.')[0].lower()}.{step}", interrupted)
            with pytest.raises(KeyboardInterrupt):
                write("b")
        write("c")
        ids = [item["id"] for item in container.query_items_change_feed(start_time="Beginning")]
        assert "".join(name[0] for name in ids) in {"a" * count + "b" * done + "c" * count for done in (0, count)}
    with LocalCosmos(tmp_path) as cosmos:
        container = cosmos.client().get_database_client("db").get_container_client("c")
        assert [item["id"] for item in container.query_items_change_feed(start_time="Beginning")] == ids
        write("d")


def interrupted(*_: object, **__: object) -> None:
    """Ctrl-C at this step."""
    raise KeyboardInterrupt


def test_the_file_holds_the_metadata_too(tmp_path: Path) -> None:
    file = tmp_path / "account.sqlite3"
    with LocalCosmos(file, partitions=3) as cosmos:
        cosmos.client().create_database("db").create_container("c", PartitionKey(path="/pk"))
    assert file.exists()
    with LocalCosmos(file) as cosmos:
        container = cosmos.client().get_database_client("db").get_container_client("c")
        assert len(list(container.read_feed_ranges())) == 3
        assert json.dumps(container.read()["partitionKey"])
