"""Partitions that split at any time: no event skipped, none applied twice, also by a worker that has not heard of it.

The sums' counterexamples are those of the protocol in `projectors.views.sums.checkpoint`: each test is what happens
without one rule.
"""

import threading
from dataclasses import replace

import pytest
from azure.cosmos import CosmosClient

from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.container import Container
from projectors.database import Database
from projectors.errors import LeaseLost
from projectors.feed.change_feed import Page
from projectors.feed.ranges import FeedRange
from projectors.leases.lease import Lease
from projectors.ledger import VIEWS
from projectors.ledger.views.ledger_totals import LedgerTotals
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.throughput.meter import Meter
from projectors.views.sums.checkpoint import RangeCheckpoint, RangeCheckpoints
from projectors.views.sums.projector import SumProjector
from tests.projectors.feeding import Ledger, rows, shown_by_the_views, told_by_the_log

NAMES = [f"account{number}" for number in range(12)]
LATER = 1_000.0


@pytest.fixture
def small_pages() -> WorkerSettings:
    return WorkerSettings(parallel=0, page=4, retry_min=0.001)


def write(ledger: Ledger, rounds: int = 1) -> None:
    for name in NAMES:
        if name not in ledger.accounts:
            ledger.open(name)
    for number in range(rounds):
        for name in NAMES:
            ledger.deposit(name, 10 + number)


def test_a_split_before_in_and_after_a_run_loses_nothing(
    client: CosmosClient, database: str, cosmos: LocalCosmos, ledger: Ledger, small_pages: WorkerSettings
) -> None:
    write(ledger)
    Worker(client, database, settings=small_pages, views=VIEWS.values()).run_until_idle(30)
    cosmos.split(database, "events")
    write(ledger)
    assert Worker(client, database, settings=small_pages, views=VIEWS.values()).run_until_idle(30).idle
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)
    cosmos.split(database, "events")
    write(ledger)
    assert Worker(client, database, settings=small_pages, views=VIEWS.values()).run_until_idle(30).idle
    assert shown_by_the_views(client, database) == told_by_the_log(ledger)
    leases = Database.open(client, database).leases.of("statement@1")
    assert len(leases) == 3
    assert sorted(len(lease.ancestors) for lease in leases) == [1, 2, 2]


class Sums:
    """One view over many streams, driven by hand."""

    def __init__(self, client: CosmosClient, database: str, ledger: Ledger) -> None:
        self.stores = Database.open(client, database)
        self.ledger = ledger
        container = client.get_database_client(database).get_container_client("views")
        self.gateway = Container(container, meter=Meter(), stop=threading.Event())
        self.partials = RangeCheckpoints(self.gateway, "ledger-totals@1:all")
        self._client, self._database = client, database

    def projector(self, lease: Lease) -> SumProjector:
        return SumProjector(LedgerTotals(), 1, lease, views=self.gateway, mapper=self.stores.mapper)

    def page(self, feed_range: FeedRange, lsn: int | None = None) -> Page:
        page = self.stores.feed.read(feed_range, lsn, self.stores.feed.rid(), limit=1000)
        assert isinstance(page, Page)
        return page

    def total(self) -> int:
        return sum(
            row["sums"].get("deposits", 0)
            for row in rows(self._client, self._database, "ledger-totals")
            if "key" in row
        )

    def expected(self) -> int:
        return sum(amounts["deposits"] for amounts in told_by_the_log(self.ledger).totals.values())


@pytest.fixture
def sums(client: CosmosClient, database: str, ledger: Ledger) -> Sums:
    write(ledger)
    return Sums(client, database, ledger)


WHOLE = FeedRange("", "FF")
PARENT = Lease("ledger-totals@1", WHOLE, "rid", etag="e")


@pytest.fixture
def children(sums: Sums, cosmos: LocalCosmos, database: str) -> list[Lease]:
    """The leases after a split."""
    cosmos.split(database, "events")
    return [
        Lease("ledger-totals@1", part, "rid", etag="e", ancestors=(PARENT.id,)) for part in sums.stores.feed.ranges()
    ]


def work(projector: SumProjector, page: Page) -> None:
    projector.handle(page)
    projector.flush()


def test_what_a_parent_wrote_beyond_its_lease_is_not_added_again_by_its_children(
    sums: Sums, cosmos: LocalCosmos, database: str
) -> None:
    """A guard from the child lease's own position would count the parent's last page twice."""
    work(sums.projector(PARENT), sums.page(WHOLE))
    cosmos.split(database, "events")
    for part in sums.stores.feed.ranges():
        child = Lease("ledger-totals@1", part, "rid", etag="e", ancestors=(PARENT.id,))
        work(sums.projector(child), sums.page(part))
    assert sums.total() == sums.expected()


def test_a_parent_that_wakes_after_its_children_began_adds_nothing(
    sums: Sums, cosmos: LocalCosmos, database: str
) -> None:
    """Without the seal, or ignoring it, the parent's page would be added beside the children's."""
    sleeper = sums.projector(PARENT)
    sleeper.handle(sums.page(WHOLE))
    fresh = sums.projector(PARENT)
    page = sums.page(WHOLE)
    cosmos.split(database, "events")
    for part in sums.stores.feed.ranges():
        work(sums.projector(Lease("ledger-totals@1", part, "rid", etag="e", ancestors=(PARENT.id,))), sums.page(part))
    with pytest.raises(Exception, match="409"):
        sleeper.flush()
    with pytest.raises(LeaseLost, match="sealed"):
        fresh.handle(page)
    assert sums.total() == sums.expected()


def test_a_parent_that_never_wrote_is_sealed_all_the_same(sums: Sums, children: list[Lease]) -> None:
    """Sealing only what exists would let the parent begin later."""
    work(sums.projector(children[0]), sums.page(children[0].range))
    (parent,) = [part for part in sums.partials.all() if part.lease == PARENT.id]
    assert (parent.sealed, parent.lsn) == (True, 0)
    with pytest.raises(LeaseLost):
        sums.partials.of_lease(PARENT.id, ())


def test_a_grandchild_begins_where_the_nearest_written_ancestor_ended(
    sums: Sums, cosmos: LocalCosmos, database: str
) -> None:
    """Without the recursion a child that never wrote would be sealed at zero, and the parent's events come again."""
    work(sums.projector(PARENT), sums.page(WHOLE))
    cosmos.split(database, "events")
    child = sums.stores.feed.ranges()[0]
    cosmos.split(database, "events")
    cosmos.split(database, "events")
    for part in sums.stores.feed.ranges():
        parent = child if child.covers(part) else FeedRange(child.max, "FF")
        lease = Lease("ledger-totals@1", part, "rid", etag="e", ancestors=(parent.id, PARENT.id))
        work(sums.projector(lease), sums.page(part))
    assert sums.total() == sums.expected()


def test_of_two_workers_with_the_same_page_one_adds_it(sums: Sums) -> None:
    """A blind write would lose one of two pages, skipping at a conflict would lose a page."""
    first, second = sums.projector(PARENT), sums.projector(PARENT)
    page = sums.page(WHOLE)
    first.handle(page)
    second.handle(page)
    first.flush()
    with pytest.raises(Exception, match="409"):
        second.flush()
    work(sums.projector(PARENT), page)
    assert sums.total() == sums.expected()


def test_a_seal_does_not_overwrite_what_the_parent_writes_meanwhile(sums: Sums, cosmos: LocalCosmos) -> None:
    """A blind seal would: the parent's page would be in the sums and not in the guard."""
    half = sums.page(WHOLE)
    work(sums.projector(PARENT), replace(half, documents=half.documents[:6], lsn=half.events[5].lsn))
    child = Lease("ledger-totals@1", FeedRange("", "20"), "rid", etag="e", ancestors=(PARENT.id,))
    late = sums.projector(PARENT)
    late.handle(half)

    def write_between(info: RequestInfo, phase: str) -> None:
        if info.operation == "replace" and phase == "before":
            remove()
            late.flush()

    remove = cosmos.faults.on_request(write_between)
    began: RangeCheckpoint = sums.partials.of_lease(child.id, child.ancestors)
    assert began.lsn == half.lsn
    assert sums.total() == sums.expected()
