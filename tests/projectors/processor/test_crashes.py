"""Stopping a worker at every request that it sends, and waking it up again: nothing lost, nothing twice.

To die after one request is to die before the next, so a kill before each request, and after the last, is all there is.
A pause is after each answer was made and before it is known: then what the worker has read is as old as can be.

Every case works a generation of its own of the same log, so the cases share nothing but the log. Requests that the SDK
sends for itself (partition maps, account) are not counted.
"""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from azure.core.exceptions import ServiceResponseError

from localazure.cosmos import LocalCosmos, RequestInfo
from localazure.cosmos.protocol.message import Request
from projectors.errors import Unanswered
from tests.projectors.cases import LATER, OWN, WRITES, Case, Stopped, stopping_at

PAIRS = (("account-summary", "ledger-totals"), ("statement", "active-holds"))
"""Two runs of half the views each find all that one run of all of them would, in half the time."""


@pytest.fixture(params=PAIRS, ids=" and ".join)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with LocalCosmos() as cosmos:
        case = Case(cosmos, request.param)
        case.write_log()
        yield case


def test_a_worker_killed_at_any_request_is_replaced_without_loss(case: Case) -> None:
    total = case.requests()
    assert total > 25
    for fatal in range(1, total + 1):
        generation = case.next_generation()
        with case.watched(stopping_at(fatal)), pytest.raises(Stopped):
            case.worker(generation).run_until_idle(30)
        assert case.worker(generation, late=LATER).run_until_idle(30).idle
        case.check(generation)


def test_a_worker_paused_at_any_request_does_no_harm_when_it_wakes(case: Case) -> None:
    total = case.requests()
    for pause in range(1, total + 1):
        generation = case.next_generation()
        seen = 0

        def sleep(info: RequestInfo, phase: str, pause: int = pause, generation: int = generation) -> None:
            nonlocal seen
            seen += phase == "after" and info.operation in OWN
            if seen == pause:
                seen = total + 1  # once; what follows is the others' work, or the late rest of this worker's
                assert case.worker(generation, late=LATER).run_until_idle(30).idle

        with case.watched(sleep):
            case.worker(generation).run_until_idle(30)
        assert seen > total
        assert case.worker(generation, late=2 * LATER).run_until_idle(30).idle
        case.check(generation)


def test_a_write_that_lands_late_changes_nothing(case: Case) -> None:
    """The client sees a time-out and goes on; the request arrives while its next one is on its way."""
    total = case.requests(WRITES)
    for late in range(1, total + 1):
        generation = case.next_generation()
        writes = 0
        underway: list[Request] = []

        def delay(info: RequestInfo, phase: str, late: int = late, underway: list[Request] = underway) -> None:
            nonlocal writes
            if phase == "after" or info.operation not in OWN:
                return
            if underway:
                case.cosmos.exchange(underway.pop())
            if info.operation in WRITES:
                writes += 1
                if writes == late:
                    underway.append(Request(info.method, info.path, dict(info.headers), info.body))
                    raise ServiceResponseError("no answer in time")

        with case.watched(delay):
            case.worker(generation).run_until_idle(30)
        assert writes >= late
        for request in underway:
            case.cosmos.exchange(request)
        assert case.worker(generation, late=LATER).run_until_idle(30).idle
        case.check(generation)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_or_its_answer_lost_anywhere_changes_nothing(case: Case, when: str) -> None:
    """The client sees the same: no answer. Lost before, the write was never made; lost after, it was.

    A visit that cannot make its first leases ends with that; the next one makes them.
    """
    total = case.requests(WRITES)
    for lost in range(total):
        generation = case.next_generation()
        writes = 0

        def lose(info: RequestInfo, phase: str, lost: int = lost) -> None:
            nonlocal writes
            if phase == when and info.operation in WRITES:
                writes += 1
                if writes == lost + 1:
                    raise ServiceResponseError("no answer")

        with case.watched(lose), suppress(Unanswered):
            case.worker(generation).run_until_idle(30)
        assert writes > lost
        assert case.worker(generation, late=LATER).run_until_idle(30).idle
        case.check(generation)
