"""Lag of the serving generation, sampled while a rebuild runs: what the rebuild takes from the workers shows in it."""

import time
from collections.abc import Callable

from azure.core.exceptions import AzureError

from projectors.database import Database
from projectors.errors import ProjectionError
from projectors.lag import lag_of

_EVERY = 5.0


class LiveLag:
    """Transactions that a consumer is behind the log, at most five seconds old; two small requests each time."""

    def __init__(self, stores: Database, consumer: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stores = stores
        self._consumer = consumer
        self._clock = clock
        self._looked_at: float | None = None
        self._lag: int | None = None

    @property
    def now(self) -> int | None:
        """None while it is not known: the store does not answer, or the consumer has not begun."""
        if self._looked_at is None or self._clock() - self._looked_at >= _EVERY:
            self._looked_at = self._clock()
            try:
                (found,) = lag_of(self._stores, [self._consumer])
            except (ProjectionError, AzureError):  # a look aside must not end the rebuild
                return self._lag
            self._lag = found.transactions if found.ranges else None
        return self._lag
