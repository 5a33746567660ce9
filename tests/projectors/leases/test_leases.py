"""Leases: one owner at a time, positions that only their owner moves, splits that leave no gap and no double."""

import contextlib
import itertools
import threading
from dataclasses import replace

import pytest
from azure.core.exceptions import ServiceResponseError
from azure.cosmos import CosmosClient

from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.container import Container
from projectors.errors import LeaseLost, Unanswered
from projectors.feed.ranges import FeedRange
from projectors.leases.balancing import leases_to_take
from projectors.leases.held import HeldLease
from projectors.leases.lease import Lease
from projectors.leases.store import LeaseStore
from projectors.throughput.meter import Meter

WHOLE = FeedRange("", "FF")
HALVES = [FeedRange("", "20"), FeedRange("20", "FF")]


class Killed(BaseException):
    """The process is gone."""


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(client: CosmosClient, database: str, clock: Clock) -> LeaseStore:
    container = client.get_database_client(database).get_container_client("leases")
    gateway = Container(container, meter=Meter(), stop=threading.Event())
    leases = LeaseStore(gateway, clock=clock, duration=30)
    leases.establish("view@1", [WHOLE], "rid")
    return leases


def only(leases: LeaseStore) -> Lease:
    (lease,) = leases.of("view@1")
    return lease


def test_of_two_workers_that_take_a_lease_one_gets_it(leases: LeaseStore) -> None:
    seen = only(leases)
    assert leases.take(seen, "first").owner == "first"
    with pytest.raises(LeaseLost):
        leases.take(seen, "second")


def test_a_worker_whose_lease_was_taken_cannot_move_the_position(leases: LeaseStore, clock: Clock) -> None:
    mine = leases.take(only(leases), "first")
    clock.now += 31
    theirs = leases.renew(leases.take(only(leases), "second"), lsn=9)
    for write in (leases.renew, leases.release, lambda lease: leases.renew(lease, lsn=5)):
        with pytest.raises(LeaseLost):
            write(mine)
    assert only(leases) == theirs


def test_a_lease_is_free_when_it_expires_and_not_before(leases: LeaseStore, clock: Clock) -> None:
    taken = leases.take(only(leases), "first")
    assert not taken.free(clock.now + 29.9)
    assert taken.free(clock.now + 30)
    assert leases.release(taken).free(clock.now)


@pytest.mark.parametrize("lost", [{"timeout": True}, {"status": 503}], ids=["timed out", "sent again by the SDK"])
def test_a_renewal_whose_answer_was_lost_is_still_this_workers(
    leases: LeaseStore, cosmos: LocalCosmos, lost: dict[str, int | bool]
) -> None:
    mine = leases.take(only(leases), "first")
    cosmos.faults.add(lose_answer=True, operation="replace", count=1, **lost)
    renewed = leases.renew(mine, lsn=7)
    assert (renewed.lsn, renewed.owner) == (7, "first")
    assert leases.renew(renewed, lsn=8).lsn == 8


def test_a_renewal_that_never_arrived_is_sent_again(leases: LeaseStore, cosmos: LocalCosmos) -> None:
    mine = leases.take(only(leases), "first")
    fault = cosmos.faults.add(reset=True, operation="replace", count=1)
    assert leases.renew(mine, lsn=7).lsn == 7
    assert fault.fired == 1


def test_a_lost_answer_behind_which_another_worker_took_the_lease_is_a_lost_lease(
    leases: LeaseStore, cosmos: LocalCosmos, clock: Clock
) -> None:
    mine = leases.take(only(leases), "first")
    clock.now += 31

    def steal(info: RequestInfo, phase: str) -> None:
        if info.is_sdks_own:
            return
        remove()
        leases.take(only(leases), "second")
        raise ServiceResponseError("no answer")

    remove = cosmos.faults.on_request(steal)
    with pytest.raises(LeaseLost):
        leases.renew(mine, lsn=7)
    assert (only(leases).owner, only(leases).lsn) == ("second", None)


def test_workers_that_saw_different_ranges_make_leases_only_once(leases: LeaseStore) -> None:
    leases.establish("view@1", HALVES, "rid")
    assert [lease.range for lease in leases.of("view@1")] == [WHOLE]


@pytest.mark.parametrize("sub_status", [0, 1002])
def test_a_worker_that_is_second_waits_for_a_replica_that_is_behind(
    leases: LeaseStore, cosmos: LocalCosmos, sub_status: int
) -> None:
    cosmos.faults.add(status=404, sub_status=sub_status, operation="read", container="leases", count=3)
    leases.establish("view@1", HALVES, "rid")
    assert [lease.range for lease in leases.of("view@1")] == [WHOLE]
    cosmos.faults.add(status=404, sub_status=sub_status, operation="read", container="leases")
    with pytest.raises(Unanswered):
        leases.establish("view@1", HALVES, "rid")


MANY = [FeedRange(f"{number:04X}" if number else "", f"{number + 1:04X}") for number in range(250)]


def test_more_ranges_than_a_batch_holds_all_get_their_lease(leases: LeaseStore, cosmos: LocalCosmos) -> None:
    cosmos.log.clear()
    leases.establish("many", MANY, "rid")
    assert [lease.range for lease in leases.of("many")] == MANY
    assert cosmos.log.count("batch", container="leases") == 3
    leases.establish("many", HALVES, "rid")
    assert [lease.range for lease in leases.of("many")] == MANY
    leases.forget("many")
    assert leases.consumers() == ["view@1"]


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("fatal", range(1, 7))
def test_whoever_comes_next_makes_the_leases_that_a_dead_worker_left_unmade(
    leases: LeaseStore, cosmos: LocalCosmos, fatal: int, phase: str
) -> None:
    """Until then the consumer has not begun: a range without a lease would be forgotten behind those that have one."""
    seen = 0

    def die(info: RequestInfo, at: str) -> None:
        nonlocal seen
        if not info.is_sdks_own:
            seen += at == phase
            if seen >= fatal:
                raise Killed

    remove = cosmos.faults.on_request(die)
    with pytest.raises(Killed):
        leases.establish("many", MANY, "rid")
    remove()
    assert len(leases.of("many")) in (0, len(MANY))
    leases.establish("many", HALVES if leases.consumers() == ["many", "view@1"] else MANY, "rid")
    assert [lease.range for lease in leases.of("many")] == MANY


def test_a_lease_that_was_split_is_not_made_again_by_a_worker_that_was_asleep(
    leases: LeaseStore, cosmos: LocalCosmos
) -> None:
    """It would live beside its children, and everything in its range be worked twice."""

    def split_meanwhile(info: RequestInfo, phase: str) -> None:
        nonlocal batches
        batches += info.operation == "batch" and phase == "before"
        if batches == 2:
            batches += 1
            leases.establish("many", MANY, "rid")
            (lease,) = (lease for lease in leases.of("many") if lease.range == MANY[150])
            low, high = lease.range.min, lease.range.max
            leases.split(leases.take(lease, "other"), [FeedRange(low, f"{low}80"), FeedRange(f"{low}80", high)])

    batches = 0
    remove = cosmos.faults.on_request(split_meanwhile)
    leases.establish("many", MANY, "rid")
    remove()
    found = [lease.range for lease in leases.of("many")]
    assert len(found) == len(MANY) + 1
    assert MANY[150] not in found
    assert all(one.max == other.min for one, other in itertools.pairwise(found))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_answer_lost_while_leases_are_made_makes_none_twice(
    leases: LeaseStore, cosmos: LocalCosmos, number: int
) -> None:
    cosmos.faults.add(lose_answer=True, timeout=True, operation="batch", skip=number - 1, count=1)
    for _ in range(2):
        with contextlib.suppress(Unanswered):
            leases.establish("many", MANY, "rid")
    assert [lease.range for lease in leases.of("many")] == MANY


def test_children_begin_at_their_parents_position_and_know_where_they_come_from(leases: LeaseStore) -> None:
    mine = leases.renew(leases.take(only(leases), "first"), lsn=42)
    leases.split(mine, HALVES)
    left, right = leases.of("view@1")
    assert (left.range, right.range) == tuple(HALVES)
    assert {(child.lsn, child.owner, child.ancestors) for child in (left, right)} == {(42, None, ("00-FF",))}
    leases.split(leases.take(left, "first"), [FeedRange("", "10"), FeedRange("10", "20")])
    assert leases.of("view@1")[0].ancestors == ("00-20", "00-FF")


def test_a_worker_that_lost_its_lease_cannot_split_it(leases: LeaseStore, clock: Clock) -> None:
    """Children made beside a living parent would both be worked."""
    mine = leases.take(only(leases), "first")
    clock.now += 31
    leases.take(only(leases), "second")
    with pytest.raises(LeaseLost):
        leases.split(mine, HALVES)
    assert [lease.range for lease in leases.of("view@1")] == [WHOLE]


def test_a_split_happens_once(leases: LeaseStore) -> None:
    mine = leases.take(only(leases), "first")
    leases.split(mine, HALVES)
    with pytest.raises(LeaseLost):
        leases.split(mine, HALVES)
    assert len(leases.of("view@1")) == 2


def test_heartbeat_and_page_of_one_holder_do_not_shut_each_other_out(leases: LeaseStore) -> None:
    held = HeldLease(leases, leases.take(only(leases), "first"))
    threads = [threading.Thread(target=held.renew) for _ in range(4)]
    for thread in threads:
        thread.start()
    for lsn in range(10):
        held.done(lsn, events=lsn)
        held.renew()
    for thread in threads:
        thread.join()
    assert (only(leases).lsn, only(leases).events) == (9, 9)


def test_forgetting_a_consumer_leaves_the_others(leases: LeaseStore) -> None:
    leases.establish("relay", [WHOLE], "rid")
    leases.forget("view@1")
    assert (leases.of("view@1"), len(leases.of("relay"))) == ([], 1)
    assert {name: len(found) for name, found in leases.of_all(["view@1", "relay"]).items()} == {"view@1": 0, "relay": 1}


def lease(number: int, owner: str | None) -> Lease:
    part = FeedRange(f"{number:02}", f"{number + 1:02}")
    return replace(Lease("view@1", part, "rid", etag="e"), owner=owner, expires=2_000.0 if owner else 0.0)


@pytest.mark.parametrize(
    ("owners", "count"),
    [
        ([None, None, None, None], 4),
        (["other", None, None, None], 2),
        (["other", "other", None, None], 2),
        (["other", "other", "other", "other"], 1),
        (["other", "other", "other", "me"], 1),
        (["other", "other", "me", "me"], 0),
        (["other", "other", "me", None], 1),
        (["other", "other", "me"], 0),
        (["me", "me", "me"], 0),
        ([], 0),
    ],
)
def test_a_worker_moves_towards_its_share_one_theft_at_a_time(owners: list[str | None], count: int) -> None:
    leases = [lease(number, owner) for number, owner in enumerate(owners)]
    found = leases_to_take(leases, "me", now=1_000.0)
    assert len(found) == count
    assert all(taken.owner != "me" for taken in found)


def test_a_visit_takes_what_is_free_and_steals_nothing() -> None:
    leases = [lease(0, "other"), lease(1, None), lease(2, "other")]
    assert leases_to_take(leases, "me", now=1_000.0, alone=True) == [leases[1]]
    assert len(leases_to_take(leases, "me", now=3_000.0, alone=True)) == 3
