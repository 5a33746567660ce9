"""Work that hangs is told from work that waits, and its range goes to another worker."""

import threading
from collections.abc import Sequence

import pytest
from azure.cosmos import CosmosClient

from eventstore.log.documents import RecordedEvent
from projectors.consumer import PageConsumer
from projectors.database import Database
from projectors.processor.worker import Worker
from projectors.throughput.meter import Meter
from projectors.throughput.pulse import Pulse, beat
from tests.projectors.feeding import Ledger
from tests.projectors.processor.test_worker import QUICK, running, until

HANGS_SOON = QUICK.model_copy(update={"silence": 1.0})


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_work_is_silent_from_its_last_sign_of_life_on_and_never_between_two_pieces() -> None:
    clock = Seconds()
    pulse = Pulse("work", clock)
    clock.now = 100.0
    assert pulse.silence == 0.0
    with pulse.working():
        clock.now = 107.0
        assert pulse.silence == 7.0
        beat()
        assert pulse.silence == 0.0
        clock.now = 110.0
        assert pulse.silence == 3.0
    assert pulse.silence == 0.0


def test_an_answer_that_throttles_is_a_sign_of_life_too() -> None:
    clock = Seconds()
    pulse, meter = Pulse("work", clock), Meter()
    with pulse.working():
        clock.now = 500.0
        meter.throttled(0.5)
        assert pulse.silence == 0.0
        clock.now = 900.0
        meter.charge({})
        assert pulse.silence == 0.0


def test_a_range_that_hangs_goes_to_another_worker_and_its_own_can_be_stopped(
    client: CosmosClient, database: str, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.open("alice")
    hangs, release, done = threading.Event(), threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def hang(_: Sequence[RecordedEvent]) -> None:
        threads.append(threading.current_thread())
        hangs.set()
        release.wait()

    def work(_: Sequence[RecordedEvent]) -> None:
        done.set()

    hung = Worker(client, database, [PageConsumer("relay", hang)], views=(), settings=HANGS_SOON)
    try:
        with running(hung):
            assert hangs.wait(20)
            until(lambda: bool(hung.hanging))
            assert hung.hanging == ["relay 00-FF"]
            with running(Worker(client, database, [PageConsumer("relay", work)], views=(), settings=QUICK)):
                assert done.wait(20), "nobody took the range of the worker that hangs"
        assert "relay 00-FF: nothing heard" in caplog.text
    finally:
        release.set()
        for thread in threads:
            thread.join(20)


def test_a_worker_that_comes_back_after_all_moves_no_position(
    client: CosmosClient, database: str, ledger: Ledger
) -> None:
    ledger.open("alice")
    hangs, release = threading.Event(), threading.Event()

    def hang(_: Sequence[RecordedEvent]) -> None:
        hangs.set()
        release.wait()

    hung = Worker(client, database, [PageConsumer("relay", hang)], views=(), settings=HANGS_SOON)
    with running(hung):
        assert hangs.wait(20)
        until(lambda: bool(hung.hanging))
        other = Worker(client, database, [PageConsumer("relay", lambda _: None)], views=(), settings=QUICK)
        with running(other):
            until(lambda: bool(other._roster.runners))
            release.set()
            until(lambda: not hung.hanging)
    (lease,) = Database.open(client, database).leases.of("relay")
    assert (lease.owner, lease.lsn) == (None, 1)


def test_a_worker_survives_whatever_is_raised_where_it_looks_after_its_leases(
    client: CosmosClient, database: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.open("alice")
    done = threading.Event()
    worker = Worker(client, database, [PageConsumer("relay", lambda _: done.set())], views=(), settings=QUICK)
    refresh, raised = worker._roster.refresh, []

    def race(*, alone: bool = False) -> None:
        if not raised:
            raised.append(True)
            raise RuntimeError("dictionary changed size during iteration")
        refresh(alone=alone)

    monkeypatch.setattr(worker._roster, "refresh", race)
    with running(worker):
        assert done.wait(20), "the worker has ended"
