"""One writer per stream inside a process, and the states of the streams that were used last."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from eventstore.errors import StoreBusy

T = TypeVar("T")


@dataclass(slots=True)
class _Turn:
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0


class StreamLocks:
    """A lock per stream that is in use. Without it, writers of one stream in one process mostly refuse each other."""

    def __init__(self, patience: float) -> None:
        """`patience` is how many seconds a writer waits for its turn."""
        self._patience = patience
        self._guard = threading.Lock()
        self._turns: dict[str, _Turn] = {}

    @contextmanager
    def hold(self, stream: str) -> Iterator[None]:
        """
        Raises:
            StoreBusy: other writers of this process took longer than `patience`.
        """
        with self._guard:
            turn = self._turns.get(stream)
            if turn is None:
                turn = self._turns[stream] = _Turn()
            turn.users += 1
        try:
            if not turn.lock.acquire(timeout=self._patience):
                raise StoreBusy(stream, f"waited {self._patience} s for its turn in this process")
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self._guard:
                turn.users -= 1
                if not turn.users:
                    del self._turns[stream]


class StreamCache(Generic[T]):
    """The last used entries, at most `size`.

    An entry is taken out to be worked on and put back when that went well: whatever is raised in between, a state that
    may be half changed is gone.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._guard = threading.Lock()
        self._entries: OrderedDict[str, T] = OrderedDict()

    def take(self, stream: str) -> T | None:
        """The entry, which is in the cache no more."""
        with self._guard:
            return self._entries.pop(stream, None)

    def peek(self, stream: str) -> T | None:
        """The entry, which stays; not to be changed."""
        with self._guard:
            return self._entries.get(stream)

    def put(self, stream: str, entry: T) -> None:
        """Keep the entry, and let go of the one that was used longest ago if there are too many."""
        with self._guard:
            self._entries[stream] = entry
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)
