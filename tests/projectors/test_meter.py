"""Request units per second: no more than allowed, whatever requests cost."""

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from projectors.meter import Meter

LIMIT = 100.0


class Time(threading.Event):
    """A clock that only waiting and answering move on."""

    now = 50.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return False


def charged(meter: Meter, units: float) -> None:
    meter.charge({"x-ms-request-charge": str(units)})


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 2), st.integers(1, 3)), max_size=40))
def test_over_any_time_the_limit_is_exceeded_by_one_request_at_most(
    requests: list[tuple[float, float, int]],
) -> None:
    clock = Time()
    meter = Meter(LIMIT, clock=lambda: clock.now)
    sent: list[tuple[float, float]] = []
    for units, seconds, pages in requests:
        meter.pace(clock)
        sent.append((clock.now, units * pages))
        clock.now += seconds
        for _ in range(pages):
            charged(meter, units)
    for number, (began, _) in enumerate(sent):
        spent = 0.0
        for at, units in sent[number:]:
            assert spent <= LIMIT * (at - began) + max(cost for _, cost in sent) + 1e-6
            spent += units


def test_requests_at_one_time_do_not_overdraw_together() -> None:
    meter, stop, sent = Meter(2_000.0), threading.Event(), []
    meter.pace(stop)
    charged(meter, 200.0)

    def request() -> None:
        meter.pace(stop)
        sent.append(time.monotonic())
        charged(meter, 200.0)

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(later - sooner > 0.09 for sooner, later in zip(sorted(sent), sorted(sent)[1:], strict=False))
    assert 0.25 < meter.spent().paced_seconds < 0.6


def test_without_a_limit_nobody_waits() -> None:
    clock = Time()
    meter = Meter(clock=lambda: clock.now)
    for _ in range(3):
        meter.pace(clock)
        charged(meter, 1_000.0)
    assert (clock.now, meter.spent().request_units) == (50.0, 3_000.0)
