"""The switch from one generation of a view to another, so that no reader goes back.

The other one catches up directly before it serves: whatever was done in between, a comparison of an hour, say, is an
hour that readers would go back. From then on somebody has to keep it up to date: a worker that has looked at the
registry, or, until one has and where none runs, whoever switches.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient

from projectors.database import Database
from projectors.errors import ProjectionError, UnknownGeneration
from projectors.generations.generation import consumer_name
from projectors.lag import lag_of
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.views.consumer import ViewConsumer
from projectors.views.view import View
from replay.retry import PATIENCE, in_spite_of_silence

_log = logging.getLogger(__name__)
_SLICE = 3600.0
_PAUSE = 0.2
_HAND_OVER = 30.0
"""Seconds that workers have at least to take a generation over; a busy one needs some."""


class Handover:
    """One view's switch from generation `before` to `after`, which `worker` works. `tell` is called after every page,
    and `refresh` is how many seconds workers go without a look at the registry."""

    def __init__(
        self,
        stores: Database,
        worker: Worker,
        view: str,
        before: int,
        after: int,
        *,
        refresh: float = 0.0,
        tell: Callable[[], None] = lambda: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stores = stores
        self._worker = worker
        self._view = view
        self._after = after
        self._names = consumer_name(view, before), consumer_name(view, after)
        self._patience = max(3 * refresh, _HAND_OVER)
        self._tell = tell
        self._now = now

    def switch(self) -> int | None:
        """Lets `after` serve; how many transactions it is behind the log at the end of it, None when that is not known:
        the switch is done, whatever happens then."""
        self._stores.registry.switch(self._view, self._after, at=self._now().isoformat(timespec="seconds"))
        try:
            return self._taken_over()
        except (ProjectionError, AzureError) as error:
            _log.warning("%s v%d serves, and was not seen to be taken over: %s", self._view, self._after, error)
            return None

    def _taken_over(self) -> int:
        """Keeps `after` up to date until a worker that was there before has it, or none is there."""
        end = time.monotonic() + self._patience
        while True:
            self.catch_up()
            before, after = lag_of(self._stores, self._names, now=self._now())
            if after.owned or not before.owned or time.monotonic() >= end:
                return after.transactions
            time.sleep(_PAUSE)  # the leases are free for a worker that looks at them

    def catch_up(self) -> None:
        """To the end of the log as it is at some moment; ranges that others hold are left to them."""
        in_spite_of_silence(
            self._view,
            lambda: self._worker.run_until_idle(_SLICE, near=True, patience=PATIENCE, progress=self._tell),
        )


def switch_to(
    client: CosmosClient, database: str, view: View, generation: int, *, settings: WorkerSettings | None = None
) -> tuple[int, int | None]:
    """Lets a generation that is kept serve, caught up; the one before, and the lag of this one (None: not known).

    Raises UnknownGeneration.
    """
    stores, settings = Database.open(client, database), settings or WorkerSettings()
    now = stores.registry.of(view.name)
    if generation not in (now.serving, *now.kept):
        raise UnknownGeneration(view.name, generation, [now.serving, *now.kept])
    consumer = ViewConsumer(view, generation, views=stores.views, history=stores.history, mapper=stores.mapper)
    worker = Worker(client, database, [consumer], settings=settings)
    handover = Handover(stores, worker, view.name, now.serving, generation, refresh=settings.refresh)
    handover.catch_up()
    return now.serving, handover.switch()
