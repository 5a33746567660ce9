"""Reading the change feed by position, on the real SDK."""

import gc
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.paging import PageIterator
from azure.cosmos import ContainerProxy, CosmosClient

from eventstore.cosmos.containers import create_containers
from localazure.cosmos import LocalCosmos
from projectors.database import Database
from projectors.errors import FeedReplaced
from projectors.feed.change_feed import Feed, Page, Split
from projectors.feed.continuation import continuation
from projectors.feed.ranges import FeedRange, effective_key
from projectors.ledger import VIEWS
from projectors.throughput.meter import Meter
from tests.projectors.feeding import Ledger

EVERYTHING = FeedRange("", "FF")


@pytest.fixture
def feed(ledger: Ledger) -> Feed:
    return Feed(ledger.container, meter=Meter(), stop=threading.Event())


def read(feed: Feed, lsn: int | None, limit: int = 100) -> Page:
    page = feed.read(EVERYTHING, lsn, feed.rid(), limit=limit)
    assert isinstance(page, Page)
    return page


def sdk_page(container: ContainerProxy, **start: Any) -> Mapping[str, Any]:
    captured: list[Mapping[str, Any]] = []
    list(
        next(
            container.query_items_change_feed(
                max_item_count=1, response_hook=lambda headers, _: captured.append(headers), **start
            ).by_page(),
            (),
        )
    )
    return captured[-1]


def test_a_token_is_byte_for_byte_what_the_sdk_writes_into_the_headers_that_its_hook_saw(
    ledger: Ledger, feed: Feed
) -> None:
    ledger.open("alice")
    ledger.deposit("alice", 5)
    headers = sdk_page(ledger.container, feed_range={"Range": EVERYTHING.document()}, start_time="Beginning")
    assert headers["etag"] == continuation(EVERYTHING, 1, feed.rid())
    later = sdk_page(ledger.container, continuation=continuation(EVERYTHING, 1, feed.rid()))
    assert later["etag"] == continuation(EVERYTHING, 2, feed.rid())


def test_a_transaction_is_never_cut_and_comes_in_the_order_of_its_versions(ledger: Ledger, feed: Feed) -> None:
    ledger.open("alice")
    ledger.act("alice", *[lambda account: account.deposit(1, at=ledger.now())] * 5)
    ledger.deposit("alice", 2)
    page = read(feed, 1, limit=2)
    assert [event.version for event in page.events][:5] == [2, 3, 4, 5, 6]
    assert {event.lsn for event in page.events[:5]} == {2}


def test_a_page_that_ends_early_before_a_transaction_is_not_taken_for_the_last(ledger: Ledger, feed: Feed) -> None:
    ledger.open("alice")
    for _ in range(2):
        ledger.act("alice", *[lambda account: account.deposit(1, at=ledger.now())] * 3)
    first, last = read(feed, None, limit=5), read(feed, 2, limit=5)
    assert (first.size, first.full) == (4, True)
    assert (last.size, last.full) == (3, False)


def test_reading_from_a_position_gives_only_what_is_after_it(ledger: Ledger, feed: Feed) -> None:
    ledger.open("alice")
    ledger.deposit("alice", 5)
    first = read(feed, None, limit=1)
    assert [event.version for event in first.events] == [1]
    rest = read(feed, first.lsn)
    assert [event.version for event in rest.events] == [2]
    end = read(feed, rest.lsn)
    assert (end.events, end.size, end.lsn) == ([], 0, rest.lsn)


def test_an_outcome_document_moves_the_position_and_is_no_event(ledger: Ledger, feed: Feed) -> None:
    ledger.open("alice")
    ledger.container.create_item({"id": "-refused", "streamId": "account-alice", "commandId": "refused"})
    page = read(feed, 1)
    assert (page.events, page.size, page.lsn) == ([], 1, 2)


def test_a_page_over_a_split_is_discarded_and_its_ranges_are_named(
    ledger: Ledger, feed: Feed, cosmos: LocalCosmos, database: str
) -> None:
    ledger.open("alice")
    assert read(feed, None).size == 1
    cosmos.split(database, "events")
    for start in (None, 1):
        split = feed.read(EVERYTHING, start, feed.rid(), limit=10)
        assert isinstance(split, Split)
        assert (split.ranges[0].min, split.ranges[-1].max) == ("", "FF")
        assert split.ranges[0].max == split.ranges[1].min
        assert split.ranges == tuple(feed.ranges())


def test_a_split_names_only_the_parts_that_lie_in_the_range_asked_for() -> None:
    assert FeedRange("10", "30").clip(FeedRange("", "20")) == FeedRange("10", "20")
    assert FeedRange.from_id(EVERYTHING.id) == EVERYTHING
    assert EVERYTHING.covers(FeedRange("10", "30"))


def test_a_stream_lies_in_the_range_that_its_events_come_from(
    ledger: Ledger, feed: Feed, cosmos: LocalCosmos, database: str
) -> None:
    cosmos.split(database, "events")
    names = [f"a{number}" for number in range(20)]
    for name in names:
        ledger.open(name)
    for part in feed.ranges():
        page = feed.read(part, None, feed.rid(), limit=100)
        assert isinstance(page, Page)
        found = {event.stream for event in page.events}
        assert found
        assert found == {f"account-{name}" for name in names if part.holds(effective_key(f"account-{name}"))}


def test_the_head_tells_how_far_the_log_is(ledger: Ledger, feed: Feed) -> None:
    for name in ("alice", "bob", "carol"):
        ledger.open(name)
    assert read(feed, None, limit=1).head == 3


def test_a_page_that_was_read_is_free_at_once(ledger: Ledger, feed: Feed) -> None:
    ledger.open("alice")
    rid = feed.rid()
    feed.read(EVERYTHING, None, rid, limit=10)
    gc.collect()
    gc.disable()
    try:
        feed.read(EVERYTHING, None, rid, limit=10)
        assert [thing for thing in gc.get_objects() if isinstance(thing, PageIterator)] == []
    finally:
        gc.enable()


def test_positions_of_another_container_are_refused(client: CosmosClient, database: str, ledger: Ledger) -> None:
    stores = Database.open(client, database)
    stores.leases.establish("relay", stores.feed.ranges(), "another")
    with pytest.raises(FeedReplaced, match="another events container"):
        stores.leases.establish("relay", stores.feed.ranges(), stores.feed.rid())


def test_a_position_in_a_container_that_was_made_anew_is_refused_when_it_is_read(
    ledger: Ledger, feed: Feed, client: CosmosClient, database: str
) -> None:
    """Old positions would silently skip the new container's first events."""
    ledger.open("alice")
    rid = feed.rid()
    client.get_database_client(database).delete_container("events")
    create_containers(client, database, VIEWS.indexed)
    with pytest.raises(FeedReplaced, match="rebuild its view"):
        feed.read(EVERYTHING, 1, rid, limit=10)


def test_how_many_events_there_are_is_told_by_statistics_and_counted_where_there_are_none(
    ledger: Ledger, feed: Feed, cosmos: LocalCosmos, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.open("alice")
    ledger.deposit("alice", 5)
    cosmos.split(database, "events")
    ledger.open("bob")
    cosmos.log.clear()
    assert feed.estimate() == 3
    assert cosmos.log.count("query") == 0
    monkeypatch.setattr(ledger.container, "read", lambda **_: {"id": "events"})
    assert feed.estimate() == 3
    assert cosmos.log.count("query") > 0
