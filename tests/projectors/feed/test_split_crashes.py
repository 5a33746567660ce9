"""A partition that splits at any request of a run, and a worker killed or asleep at any request around it.

Requests are sent one after the other, so a split after one is a split before the next: before each, and after the last,
is all there is. A run of a new generation is what a rebuild does.
"""

from collections.abc import Iterator

import pytest

from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.settings import WorkerSettings
from tests.projectors.cases import DATABASE, LATER, OWN, Case, Stopped, stopping_at

SMALL = WorkerSettings(parallel=0, page=3, pending=1, retry_min=0.001)
NAMES = ("account0", "account1", "account2")
"""In both halves of the feed."""


VIEWS = ("statement", "ledger-totals")
"""One view of streams, one over many streams: the two protocols."""


def new_case(cosmos: LocalCosmos) -> Case:
    case = Case(cosmos, VIEWS, settings=SMALL)
    for name in NAMES:
        case.ledger.open(name)
        case.ledger.deposit(name, 7)
    return case


def write_more(case: Case) -> None:
    case.ledger.act(NAMES[0], lambda account: account.place_hold(3, at=case.ledger.now()))
    case.ledger.act(NAMES[0], lambda account: account.capture_hold(1, 2, at=case.ledger.now()))
    for name in NAMES[1:]:
        case.ledger.withdraw(name, 2)


@pytest.fixture
def total() -> int:
    """How many requests an undisturbed run sends."""
    with LocalCosmos() as cosmos:
        return new_case(cosmos).requests()


@pytest.fixture
def cosmoses() -> Iterator[Iterator[LocalCosmos]]:
    """New accounts, as many as are asked for; each is closed before the next."""

    def accounts() -> Iterator[LocalCosmos]:
        while True:
            with LocalCosmos() as cosmos:
                yield cosmos

    found = accounts()
    yield found
    found.close()


def test_a_split_at_any_request_loses_nothing(total: int, cosmoses: Iterator[LocalCosmos]) -> None:
    assert total > 20
    for at in range(1, total + 2):
        case, seen = new_case(next(cosmoses)), 0

        def split(info: RequestInfo, phase: str, case: Case = case, at: int = at) -> None:
            nonlocal seen
            if info.operation in OWN and phase == "before":
                seen += 1
                if seen == at:
                    case.cosmos.split(DATABASE, "events")

        with case.watched(split):
            assert case.worker(1).run_until_idle(30).idle
        if at > total:
            case.cosmos.split(DATABASE, "events")
            write_more(case)
            assert case.worker(1).run_until_idle(30).idle
        assert seen >= total
        case.check(1)


def test_a_worker_asleep_at_any_request_while_its_partition_splits_does_no_harm_when_it_wakes(
    total: int, cosmoses: Iterator[LocalCosmos]
) -> None:
    """Meanwhile its partition splits, the log goes on, and another worker works all of it through the children."""
    for at in range(1, total + 1):
        case, seen = new_case(next(cosmoses)), 0

        def sleep(info: RequestInfo, phase: str, case: Case = case, at: int = at) -> None:
            nonlocal seen
            if info.operation not in OWN or phase != "after":
                return
            seen += 1
            if seen == at:
                seen = total + 1
                case.cosmos.split(DATABASE, "events")
                write_more(case)
                assert case.worker(1, late=LATER).run_until_idle(30).idle

        with case.watched(sleep):
            case.worker(1).run_until_idle(30)
        assert seen > total
        assert case.worker(1, late=2 * LATER).run_until_idle(30).idle
        case.check(1)


def test_a_worker_killed_at_any_request_of_a_run_that_meets_a_split_is_replaced_without_loss() -> None:
    """Each generation has come halfway before the split: its parents have positions, guards, sums."""
    with LocalCosmos() as cosmos:
        case = _split_behind(new_case(cosmos), 2)
        assert case.worker(1).run_until_idle(30).idle  # the SDK learns of the split, with requests of its own
        total = case.requests(generation=2)
    assert total > 25
    with LocalCosmos() as cosmos:
        case = _split_behind(new_case(cosmos), total)
        for fatal in range(1, total + 1):
            with case.watched(stopping_at(fatal)), pytest.raises(Stopped):
                case.worker(fatal).run_until_idle(30)
            assert case.worker(fatal, late=LATER).run_until_idle(30).idle
            case.check(fatal)
        leases = Database.open(case.client, DATABASE).leases.of("statement@1")
        assert [len(lease.ancestors) for lease in leases] == [1, 1]


def _split_behind(case: Case, generations: int) -> Case:
    """Works so many generations, then splits the partition and goes on with the log."""
    for generation in range(1, generations + 1):
        assert case.worker(generation).run_until_idle(30).idle
    case.cosmos.split(DATABASE, "events")
    write_more(case)
    return case
