"""Stopping whoever drives a transfer at every request, and waking it up again: each transfer ends once, none is lost.

To die after one request is to die before the next, so a kill before each request, and after the last, is all there is.
A pause is after each answer was made and before it is known: then what the driver knows is as old as can be.
"""

import threading
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from azure.core.exceptions import ServiceResponseError

from domain.ledger.transfer import Status
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.ledger.processes import LedgerProcesses
from tests.ledger.transfers.bank import LATER, OWN, WRITES, Bank

Prepare = Callable[[Bank], None]


class Stopped(BaseException):
    """The process is gone: no handler of the product sees this."""


def completes(bank: Bank) -> None:
    bank.request()


def reverses(bank: Bank) -> None:
    bank.request()
    bank.settle(late=LATER)
    bank.request("r1", source="bob", target="alice", reverses="t1", reason="sent twice")


def reverses_in_vain(bank: Bank) -> None:
    bank.request()
    bank.settle(late=LATER)
    bank.act("alice", lambda account: account.close(reason="left", at=bank.clock.now))
    bank.request("r1", source="bob", target="alice", reverses="t1", reason="sent twice")


ENDS: dict[Prepare, dict[str, Status]] = {
    completes: {"t1": Status.COMPLETED},
    reverses: {"t1": Status.COMPLETED, "r1": Status.COMPLETED},
    reverses_in_vain: {"t1": Status.COMPLETED, "r1": Status.FAILED},
}
both_ways = pytest.mark.parametrize("prepare", [completes, reverses_in_vain])
"""Every step that there is, forwards or back."""


def banks(prepare: Prepare) -> Iterator[Bank]:
    """The same bank again and again, each in an account of its own."""
    while True:
        with LocalCosmos() as cosmos:
            bank = Bank(cosmos)
            bank.open("alice", 500)
            bank.open("bob")
            prepare(bank)
            yield bank


def check(bank: Bank, prepare: Prepare) -> None:
    bank.check()
    assert {transfer_id: bank.status(transfer_id) for transfer_id in ENDS[prepare]} == ENDS[prepare]


@both_ways
def test_a_driver_killed_at_any_request_is_followed_by_another_one(prepare: Prepare) -> None:
    for fatal, bank in zip(count(1), banks(prepare)):
        seen = 0

        def stop(info: RequestInfo, phase: str, fatal: int = fatal) -> None:
            nonlocal seen
            if info.operation in OWN:  # not what the SDK sends for itself, in a thread of its own
                seen += phase == "before"
                if seen >= fatal:
                    raise Stopped

        with bank.watched(stop):
            killed = ends_early(lambda bank=bank: bank.settle(late=2 * LATER))
        bank.settle(late=4 * LATER)
        check(bank, prepare)
        if not killed:
            break
    assert fatal > 15


def ends_early(work: Callable[[], None]) -> bool:
    try:
        work()
    except Stopped:
        return True
    return False


@both_ways
def test_a_driver_paused_at_any_request_does_no_harm_when_it_wakes(prepare: Prepare) -> None:
    """Meanwhile others have brought the transfer to its end."""
    for bank in paused(prepare, give_up=False):
        check(bank, prepare)


@pytest.mark.parametrize("prepare", [completes, reverses])
def test_a_driver_paused_at_any_request_does_no_harm_when_others_gave_up(prepare: Prepare) -> None:
    ends = {bank.status(last_of(prepare)) for bank in paused(prepare, give_up=True)}
    assert ends == {Status.COMPLETED, Status.FAILED}


def paused(prepare: Prepare, *, give_up: bool) -> Iterator[Bank]:
    """A pause at each request to the log; elsewhere a driver learns nothing."""
    for pause, bank in zip(count(1), banks(prepare)):
        seen = 0

        def sleep(info: RequestInfo, phase: str, pause: int = pause, bank: Bank = bank) -> None:
            nonlocal seen
            seen += phase == "after" and info.operation in OWN and info.container == "events"
            if seen == pause:
                seen = 10_000  # once; what follows is the others' work, or the late rest of this driver's
                bank.processes().driver.drive(last_of(prepare), give_up=give_up)

        with bank.watched(sleep):
            bank.settle(late=2 * LATER)
        bank.check()
        yield bank
        if seen < 10_000:
            assert pause > 10
            return


def last_of(prepare: Prepare) -> str:
    return next(reversed(ENDS[prepare]))


@both_ways
def test_an_answer_lost_after_any_write_changes_nothing(prepare: Prepare) -> None:
    for lost, bank in zip(count(1), banks(prepare)):
        writes = 0

        def lose(info: RequestInfo, phase: str, lost: int = lost) -> None:
            nonlocal writes
            if phase == "after" and info.operation in WRITES:
                writes += 1
                if writes == lost:
                    raise ServiceResponseError("the answer was lost")

        with bank.watched(lose):
            bank.settle(late=2 * LATER)
        check(bank, prepare)
        if writes < lost:
            break
    assert lost > 5


def test_many_drivers_at_once_bring_every_transfer_to_one_end(bank: Bank) -> None:
    """Each in a process of its own, all of them on all transfers, some of them giving up."""
    bank.open("carl", 300)
    for number, (source, target) in enumerate((("alice", "bob"), ("bob", "carl"), ("carl", "alice")) * 3):
        bank.request(f"t{number}", source=source, target=target, amount=150)
    ids = [f"t{number}" for number in range(9)]
    ends: list[tuple[str, Status]] = []
    failures: list[Exception] = []

    def drive(processes: LedgerProcesses, order: list[str], give_up: bool) -> None:
        try:
            ends.extend((each, processes.driver.drive(each, give_up=give_up)) for each in order)
        except Exception as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    orders = [(ids, False), (ids[::-1], False), (ids[4:] + ids[:4], True)]
    threads = [threading.Thread(target=drive, args=(bank.processes(), order, give_up)) for order, give_up in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(ends) == 27
    assert len(set(ends)) == 9, "two drivers were told two ends of one transfer"
    bank.check()


def test_two_workers_share_the_transfers_and_each_ends_once(bank: Bank) -> None:
    for number in range(12):
        bank.request(f"t{number}", amount=10 + number)
    workers = [bank.worker(), bank.worker()]
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(stop,)) for worker in workers]
    for thread in threads:
        thread.start()
    for number in range(12, 24):
        bank.request(f"t{number}", source="bob", target="alice", amount=1)
    bank.wait_until_ended(24)
    stop.set()
    for thread in threads:
        thread.join()
    bank.check()
