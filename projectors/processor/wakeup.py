"""A bell that any number of threads wait for: whoever waits when it rings goes on at once."""

import threading


class Wakeup:
    """A ring between two waits of one listener is not lost: the listener passes what it heard last."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rings = 0

    def ring(self) -> None:
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    @property
    def rings(self) -> int:
        return self._rings

    def wait(self, heard: int, timeout: float) -> int:
        """Returns at a ring after `heard`, or after `timeout` seconds; the number of rings so far."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings != heard, timeout)
            return self._rings
