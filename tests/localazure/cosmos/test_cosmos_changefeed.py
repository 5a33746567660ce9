"""The change feed: order, pages, positions, splits, and all versions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.cosmos import ContainerProxy
from hypothesis import given, settings
from hypothesis import strategies as st

from localazure.cosmos import LocalCosmos
from localazure.cosmos.requests.changefeed import _whole_transactions
from localazure.cosmos.storage.store import PLACE_BITS


def write(container: ContainerProxy, stream: str, first: int, count: int) -> None:
    operations = [("create", ({"id": f"{n:04d}", "pk": stream, "n": n},)) for n in range(first, first + count)]
    container.execute_item_batch(operations, stream)


def pages(container: ContainerProxy, size: int, **start: Any) -> list[list[dict[str, Any]]]:
    start = start or {"start_time": "Beginning"}
    return [list(page) for page in container.query_items_change_feed(max_item_count=size, **start).by_page()]


def test_a_transaction_is_never_split_over_pages(container: ContainerProxy) -> None:
    for number in range(6):
        write(container, "s", number * 10, 7)
    for page in pages(container, 10):
        lsns = [item["_lsn"] for item in page]
        assert all(lsns.count(lsn) == 7 for lsn in lsns)
    assert sum(len(page) for page in pages(container, 3)) == 42


def test_an_item_appears_once_with_its_latest_version_at_its_latest_place(container: ContainerProxy) -> None:
    for name in ("a", "b", "a"):
        container.upsert_item({"id": name, "pk": "p"})
    assert [(item["id"], item["_lsn"]) for item in pages(container, 10)[0]] == [("b", 2), ("a", 3)]


def test_a_position_taken_at_the_end_gives_exactly_what_comes_later(container: ContainerProxy) -> None:
    write(container, "s", 0, 3)
    captured: list[dict[str, str]] = []
    list(container.query_items_change_feed(start_time="Beginning", response_hook=lambda h, _: captured.append(h)))
    token = captured[-1]["etag"]
    assert pages(container, 10, continuation=token) == []
    write(container, "t", 5, 2)
    assert [item["n"] for page in pages(container, 10, continuation=token) for item in page] == [5, 6]


def test_a_feed_from_now_shows_nothing_of_the_past(container: ContainerProxy) -> None:
    write(container, "s", 0, 3)
    assert pages(container, 10, start_time="Now") == []


def test_a_feed_from_a_time_leaves_out_what_is_older(container: ContainerProxy) -> None:
    write(container, "s", 0, 3)
    later = datetime.now(UTC) + timedelta(hours=1)
    earlier = later - timedelta(hours=2)
    assert pages(container, 10, start_time=later) == []
    assert len(pages(container, 10, start_time=earlier)[0]) == 3


def test_a_feed_of_one_partition_key_shows_only_its_items(container: ContainerProxy) -> None:
    write(container, "s", 0, 3)
    write(container, "t", 0, 2)
    found = list(container.query_items_change_feed(partition_key="t", start_time="Beginning"))
    assert [item["pk"] for item in found] == ["t", "t"]


def test_positions_survive_splits_without_loss_or_repetition(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    seen: list[tuple[str, str]] = []
    token = None
    for round_number in range(4):
        for stream in range(12):
            write(container, f"s{stream}", round_number * 2, 2)
        captured: list[dict[str, str]] = []
        start = {"continuation": token} if token else {"start_time": "Beginning"}
        changes = container.query_items_change_feed(
            max_item_count=5, response_hook=lambda headers, _, c=captured: c.append(headers), **start
        )
        seen.extend((item["pk"], item["id"]) for item in changes)
        token = captured[-1]["etag"]
        cosmos.split("db", "c")
    assert len(seen) == len(set(seen)) == 4 * 12 * 2
    for stream in range(12):
        ids = [item_id for pk, item_id in seen if pk == f"s{stream}"]
        assert ids == sorted(ids)


def test_lsns_count_transactions_of_one_physical_partition(cosmos: LocalCosmos, container: ContainerProxy) -> None:
    write(container, "s", 0, 3)
    cosmos.split("db", "c")
    for stream in ("a", "b", "c", "d"):
        write(container, stream, 0, 1)
    later: list[list[int]] = []
    for feed_range in container.read_feed_ranges(force_refresh=True):
        found = container.query_items_change_feed(feed_range=feed_range, start_time="Beginning")
        later.append([item["_lsn"] for item in found if item["pk"] != "s"])
    assert [len(lsns) for lsns in later] != [4, 0]
    assert all(lsns == list(range(2, 2 + len(lsns))) for lsns in later)


def test_all_versions_show_every_change_and_the_deletion(container: ContainerProxy) -> None:
    mode: Any = "AllVersionsAndDeletes"
    captured: list[dict[str, str]] = []
    list(container.query_items_change_feed(mode=mode, response_hook=lambda h, _: captured.append(h)))
    container.create_item({"id": "1", "pk": "p", "n": 1})
    container.replace_item("1", {"id": "1", "pk": "p", "n": 2})
    container.delete_item("1", "p")
    changes = list(container.query_items_change_feed(mode=mode, continuation=captured[-1]["etag"]))
    assert [change["metadata"]["operationType"] for change in changes] == ["create", "replace", "delete"]
    assert [change["current"].get("n") for change in changes] == [1, 2, None]
    assert changes[2]["previous"]["n"] == 2
    assert [change["metadata"]["lsn"] for change in changes] == [1, 2, 3]


@settings(max_examples=200, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), max_size=12), count=st.integers(1, 20))
def test_pages_are_whole_transactions_up_to_the_limit(sizes: list[int], count: int) -> None:
    rows = [(((lsn + 1) << PLACE_BITS) | place, b"{}") for lsn, size in enumerate(sizes) for place in range(size)]
    page = _whole_transactions(rows, count)
    assert page == rows[: len(page)]
    assert len(page) in [sum(sizes[:n]) for n in range(len(sizes) + 1)]
    assert len(page) <= count or len(page) == sizes[0]
    if len(page) < len(rows):
        following = sizes[[sum(sizes[:n]) for n in range(len(sizes) + 1)].index(len(page))]
        assert page
        assert len(page) + following > count


def test_large_items_end_a_page_before_its_count(container: ContainerProxy) -> None:
    for number in range(5):
        container.create_item({"id": str(number), "pk": "p", "text": "x" * 1_500_000})
    assert [len(page) for page in pages(container, 100)] == [2, 2, 1]


@pytest.mark.parametrize("operation", ["create", "upsert", "replace", "patch"])
def test_every_kind_of_write_reaches_the_feed(container: ContainerProxy, operation: str) -> None:
    if operation in ("replace", "patch"):
        container.create_item({"id": "1", "pk": "p", "n": 0})
    body = {"id": "1", "pk": "p", "n": 7}
    calls = {
        "create": lambda: container.create_item(body),
        "upsert": lambda: container.upsert_item(body),
        "replace": lambda: container.replace_item("1", body),
        "patch": lambda: container.patch_item("1", "p", [{"op": "set", "path": "/n", "value": 7}]),
    }
    calls[operation]()
    assert [item["n"] for item in container.query_items_change_feed(start_time="Beginning")] == [7]
