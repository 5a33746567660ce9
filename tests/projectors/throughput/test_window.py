"""One second of request units: never more than the limit, whenever the store charges what was sent."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from projectors.throughput.window import SlidingWindow

LIMIT = 100.0


@dataclass(frozen=True)
class Sent:
    """`room` is what was taken for it, `cost` what it cost: no more. Times in seconds."""

    pause: float
    room: float
    share: float
    """Of `room`, that it cost."""
    lasts: float
    charged: float
    """When the store charges it: a share of the time that it lasts."""


requests = st.builds(
    Sent, st.floats(0, 0.4), st.floats(0, LIMIT), st.floats(0, 1), st.floats(0.001, 2), st.floats(0, 1)
)


def charges_of(sent: list[Sent]) -> list[tuple[float, float]]:
    """Sends all, several at a time, each as soon as there is room; when what was charged."""
    window, now = SlidingWindow(LIMIT), 0.0
    under_way: list[tuple[float, Sent]] = []
    charges: list[tuple[float, float]] = []

    def answer(until: float) -> None:
        for end, request in sorted((entry for entry in under_way if entry[0] <= until), key=lambda entry: entry[0]):
            window.settle(request.room, request.room * request.share, end)
            under_way.remove((end, request))

    for request in sent:
        now += request.pause
        answer(now)
        while not window.take(request.room, now):
            ends = [end for end, _ in under_way] + [at for at in [window.opens()] if at is not None]
            now = max(now, min(ends))
            answer(now)
        under_way.append((now + request.lasts, request))
        charges.append((now + request.lasts * request.charged, request.room * request.share))
    return sorted(charges)


@given(st.lists(requests, max_size=40))
def test_no_second_holds_more_than_the_limit(sent: list[Sent]) -> None:
    charges = charges_of(sent)
    for number, (began, _) in enumerate(charges):
        within = [cost for at, cost in charges[number:] if at < began + 1]
        assert sum(within) <= LIMIT + 1e-6


def test_what_was_reserved_and_not_spent_is_free_at_the_answer() -> None:
    window = SlidingWindow(LIMIT)
    assert window.take(90, 0.0)
    assert not window.take(20, 0.1)
    window.settle(90, 30, 0.2)
    assert window.take(70, 0.2)


def test_a_request_dearer_than_the_limit_goes_alone() -> None:
    window = SlidingWindow(LIMIT)
    assert window.take(1, 0.0)
    assert not window.take(500, 0.0)
    window.settle(1, 1, 0.1)
    assert not window.take(500, 1.0)
    assert window.take(500, 1.1)
    assert not window.take(1, 1.2)


def test_what_others_spent_counts_for_a_second() -> None:
    window = SlidingWindow(LIMIT)
    window.spend(95, 3.0)
    assert not window.take(10, 3.9)
    assert window.take(10, 4.0)
