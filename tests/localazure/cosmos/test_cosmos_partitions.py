"""Partition keys, physical partitions, splits and throughput."""

import struct
import threading
from itertools import pairwise
from typing import Any

import pytest
from azure.cosmos import ContainerProxy, DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError
from hypothesis import given, settings
from hypothesis import strategies as st

from localazure.cosmos import LocalCosmos
from localazure.cosmos.storage import epk
from localazure.cosmos.storage.hashing import murmur3_32, murmur3_128

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2**31), st.floats(allow_nan=False, width=32), st.text(max_size=60)
)


@settings(max_examples=200, deadline=None)
@given(SCALARS)
def test_version_two_hashes_are_those_the_sdk_routes_by(value: Any) -> None:
    definition = PartitionKey(path="/pk", version=2)
    assert epk.hash_v2([value]) == definition._get_effective_partition_key_string([value])


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.booleans(), st.integers(0, 2**31), st.text(max_size=25)))
def test_version_one_keys_are_those_the_sdk_routes_by(value: Any) -> None:
    definition = PartitionKey(path="/pk", version=1)
    assert epk.hash_v1([value]) == str(definition._get_effective_partition_key_string([value])).upper()


@settings(max_examples=100, deadline=None)
@given(st.lists(SCALARS, min_size=1, max_size=3))
def test_hierarchical_keys_are_those_the_sdk_routes_by(values: list[Any]) -> None:
    definition = PartitionKey(path=["/a", "/b", "/c"], kind="MultiHash")
    assert epk.multi_hash(values) == definition._get_effective_partition_key_string(values)


def test_murmur_hashes_have_the_published_values() -> None:
    assert murmur3_32(b"", 0) == 0
    assert murmur3_32(b"", 1) == 0x514E28B7
    assert murmur3_32(b"Hello, world!", 0x9747B28C) == 0x24884CBA
    low, high = struct.unpack("<QQ", murmur3_128(b"The quick brown fox jumps over the lazy dog").to_bytes(16, "little"))
    assert (low, high) == (0xE34BBC7BBC071B6C, 0x7A433CA9C49A9347)


def test_the_key_space_is_divided_where_the_service_divides_it() -> None:
    assert epk.boundaries(2, 1) == ["05C1DFFFFFFFFC"]
    assert epk.boundaries(4, 1)[:2] == ["05C1CFFFFFFFF8", "05C1DFFFFFFFF8"]
    assert epk.boundaries(5, 1) == ["05C1C9CD673398", "05C1D9CD673398", "05C1E399CD6732", "05C1E9CD673398"]
    assert epk.boundaries(5, 2)[-1] == "33333333333333333333333333333330"


@pytest.mark.parametrize("version", [1, 2])
def test_keys_of_either_hash_version_are_spread_over_the_partitions_and_moved_by_splits(
    cosmos: LocalCosmos, db: DatabaseProxy, version: int
) -> None:
    container = db.create_container("c", PartitionKey(path="/pk", version=version), offer_throughput=11_000)
    for number in range(40):
        container.create_item({"id": "1", "pk": str(number)})
    for _ in range(4):
        sizes = [
            len(list(container.query_items("SELECT * FROM c", feed_range=part)))
            for part in container.read_feed_ranges()
        ]
        assert sum(sizes) == 40
        assert max(sizes) < 30
        cosmos.split("db", "c")
    assert all(container.read_item("1", str(number)) for number in range(40))


@pytest.mark.parametrize(
    ("path", "position"), [("pk", 0), ("/id ds", 3), ("/a/", 2), ("/a/*", 2), ("/a.b", 2), ("/", 0), ('/"a b"/c+d', 8)]
)
def test_a_path_that_is_none_is_refused_in_the_services_words(db: DatabaseProxy, path: str, position: int) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        db.create_container("c", PartitionKey(path=path))
    assert refused.value.status_code == 400
    assert f"could not be accepted, failed near position '{position}'. Partition key paths" in refused.value.message


@pytest.mark.parametrize("path", ["/a", "/a/b", "/a-b_c9", '/"a b"/c', "/'a.b'", "/é"])
def test_a_path_of_plain_or_quoted_names_is_taken(db: DatabaseProxy, path: str) -> None:
    assert db.create_container("c", PartitionKey(path=path)).read()["partitionKey"]["paths"] == [path]


@pytest.mark.parametrize("version", [3, "2"])
def test_a_partition_key_of_no_version_is_refused(db: DatabaseProxy, version: Any) -> None:
    with pytest.raises(CosmosHttpResponseError) as refused:
        db.create_container("c", {"paths": ["/pk"], "kind": "Hash", "version": version})  # type: ignore[arg-type]
    assert refused.value.status_code == 400


def test_a_container_starts_with_the_partitions_its_throughput_needs(db: DatabaseProxy) -> None:
    for throughput, partitions in ((400, 1), (6000, 1), (11_000, 2), (30_000, 5)):
        container = db.create_container(f"t{throughput}", PartitionKey(path="/pk"), offer_throughput=throughput)
        assert len(list(container.read_feed_ranges())) == partitions


def test_more_throughput_splits_and_moves_no_item_away(db: DatabaseProxy) -> None:
    container = db.create_container("grown", PartitionKey(path="/pk"), offer_throughput=400)
    for number in range(50):
        container.create_item({"id": "1", "pk": str(number)})
    container.replace_throughput(25_000)
    assert len(list(container.read_feed_ranges(force_refresh=True))) == 3
    assert sorted(int(item["pk"]) for item in container.read_all_items()) == list(range(50))
    assert container.get_throughput().offer_throughput == 25_000


def test_the_children_tile_the_parent_and_name_it(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    assert cosmos.split("db", "c") == ["1", "2"]
    assert cosmos.split("db", "c", "2") == ["3", "4"]
    ranges = list(container.client_connection._ReadPartitionKeyRanges(container.container_link))
    assert [(r["id"], r["parents"]) for r in ranges] == [("1", ["0"]), ("3", ["0", "2"]), ("4", ["0", "2"])]
    edges = [(r["minInclusive"], r["maxExclusive"]) for r in ranges]
    assert edges[0][0] == ""
    assert edges[-1][1] == "FF"
    assert all(left[1] == right[0] for left, right in pairwise(edges))


def test_a_client_with_an_old_map_meets_410_and_finds_its_way(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    for number in range(20):
        container.create_item({"id": "1", "pk": str(number)})
    feed_range = next(iter(container.read_feed_ranges()))
    list(container.query_items("SELECT * FROM c", feed_range=feed_range))
    cosmos.split("db", "c")
    cosmos.log.clear()
    assert len(list(container.query_items("SELECT * FROM c", feed_range=feed_range))) == 20
    gone = [entry for entry in cosmos.log if entry.status == 410]
    assert gone
    assert all(entry.sub_status == 1002 for entry in gone)


def test_a_range_that_never_was_cannot_be_split(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    with pytest.raises(Exception, match="partition key range 7 is gone"):
        cosmos.split("db", "c", "7")


def test_a_session_ahead_of_the_server_is_refused(container: ContainerProxy) -> None:
    container.create_item({"id": "1", "pk": "p"})
    token = container.client_connection.last_response_headers["x-ms-session-token"]
    ahead = token.replace("#1#", "#9#")
    with pytest.raises(CosmosHttpResponseError) as refusal:
        container.read_item("1", "p", session_token=ahead)
    assert (refusal.value.status_code, refusal.value.sub_status) == (404, 1002)
    assert container.read_item("1", "p", session_token=token)["id"] == "1"


def test_a_recreated_container_is_told_apart_by_its_resource_id(db: DatabaseProxy, container: ContainerProxy) -> None:
    container.create_item({"id": "1", "pk": "p"})
    before = container.read()["_rid"]
    db.delete_container("c")
    again = db.create_container("c", PartitionKey(path="/pk"))
    assert again.read()["_rid"] != before
    assert list(container.read_all_items()) == []


def test_readers_and_writers_lose_nothing_while_partitions_split_under_them(
    cosmos: LocalCosmos, container: ContainerProxy
) -> None:
    acknowledged: list[str] = []
    failures: list[BaseException] = []

    def write(thread: int) -> None:
        mine = cosmos.client().get_database_client("db").get_container_client("c")
        try:
            for number in range(60):
                key = f"{thread}-{number}"
                mine.execute_item_batch([("create", ({"id": str(n), "pk": key},)) for n in range(3)], key)
                acknowledged.append(key)
        except BaseException as error:  # noqa: BLE001  the assertion below shows it
            failures.append(error)

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(3)]
    for thread in threads:
        thread.start()
    seen: list[tuple[str, str]] = []
    token: str | None = None
    splits = 0
    while any(thread.is_alive() for thread in threads) or splits < 5:
        seen_now, token = _drained(container, token)
        seen += seen_now
        if splits < 5:
            cosmos.split("db", "c")
            splits += 1
    for thread in threads:
        thread.join()
    seen += _drained(container, token)[0]
    assert not failures
    assert len(acknowledged) == 180
    assert sorted(seen) == sorted((key, str(n)) for key in acknowledged for n in range(3))


def _drained(container: ContainerProxy, token: str | None) -> tuple[list[tuple[str, str]], str]:
    captured: list[Any] = []
    start: dict[str, Any] = {"continuation": token} if token else {"start_time": "Beginning"}
    changes = container.query_items_change_feed(
        max_item_count=9, response_hook=lambda headers, _: captured.append(headers), **start
    )
    found = [(item["pk"], item["id"]) for item in changes]
    return found, captured[-1]["etag"]
