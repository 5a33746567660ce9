"""Request units within any one second: what is under way and what was answered lately, against a limit.

A request counts from the moment it is sent until one second after its answer. The store charges it somewhere between
the two, so of all requests charged within one second the last one sent found the others counted: as long as none costs
more than was taken for it, no second holds more than the limit.
"""

from collections import deque

SECOND = 1.0


class SlidingWindow:
    """Not safe between threads. `now` is in seconds of any clock that does not go backwards."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._taken = 0.0
        self._under_way = 0
        self._spent: deque[tuple[float, float]] = deque()

    def take(self, units: float, now: float) -> bool:
        """Whether there is room for a request of so many units, which counts from now on.

        One that is dearer than the limit has room when nothing else counts.
        """
        while self._spent and self._spent[0][0] <= now:
            self._taken -= self._spent.popleft()[1]
        if not self._spent and not self._under_way:
            self._taken = 0.0
        elif self._taken + units > self.limit:
            return False
        self._taken += units
        self._under_way += 1
        return True

    def settle(self, taken: float, cost: float, now: float) -> None:
        """The request for which `taken` was taken is over and has cost `cost`."""
        self._under_way -= 1
        self._taken += cost - taken
        self._spent.append((now + SECOND, cost))

    def spend(self, units: float, now: float) -> None:
        """So much was spent elsewhere, up to now."""
        self._taken += units
        self._spent.append((now + SECOND, units))

    def opens(self) -> float | None:
        """When the next of what was spent ceases to count; None when nothing but an answer makes room."""
        return self._spent[0][0] if self._spent else None
