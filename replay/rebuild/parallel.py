"""A rebuild by several processes, each with ranges of the feed of its own.

The parent hands out the ranges, adds up what the processes tell, and does the rest itself: whatever a process that
died left undone. A process whose parent is gone finds the pipe closed when it next reports progress, and stops; its
leases are then free.
"""

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TypeAlias

from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient

from projectors.database import Database
from projectors.errors import PoisonEvent, ProjectionError
from projectors.feed.ranges import FeedRange
from projectors.generations.generation import consumer_name
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from projectors.throughput.limiter import RateLimiter
from projectors.throughput.meter import Meter, Spent
from projectors.views.consumer import ViewConsumer
from projectors.views.view import View

Connect: TypeAlias = Callable[[RateLimiter | None], tuple[CosmosClient, str]]
"""Opens the client and names the database: called in each process, so it must be a function of a module."""

_log = logging.getLogger(__name__)
_SPEAK = 0.5
_VISIT = 3600.0
_LEAVE = 10.0
NOTHING = Spent(0, 0, 0, 0.0, 0, 0.0, 0.0)


@dataclass(frozen=True)
class Share:
    """What one process does: `ranges` of the feed for one generation of one view."""

    connect: Connect
    view: View
    generation: int
    ranges: tuple[FeedRange, ...]
    settings: WorkerSettings
    park: bool
    max_ru: float | None


@dataclass(frozen=True, slots=True)
class _Failed:
    """How a process ended when it could not go on: the fields of a PoisonEvent, or a message."""

    poison: tuple[str, str, int, str, str] | None
    message: str


def shares(whole: Share, count: int) -> list[Share]:
    """The ranges of `whole` and its limit of request units, divided among at most `count` processes."""
    count = min(count, len(whole.ranges))
    parts = [whole.ranges[number::count] for number in range(count)]
    max_ru = whole.max_ru / count if whole.max_ru else None
    return [replace(whole, ranges=part, max_ru=max_ru) for part in parts]


def ranges_of(stores: Database, consumer: str) -> tuple[FeedRange, ...]:
    """The ranges of a consumer's leases, which it gets now if it has none yet."""
    if not stores.leases.of(consumer):
        stores.leases.establish(consumer, stores.feed.ranges(), stores.feed.rid())
    return tuple(lease.range for lease in stores.leases.of(consumer))


def work_together(parts: Sequence[Share], report: Callable[[Spent], None]) -> Spent:
    """Runs one process for each share until all have caught up; what they spent. `report` is told now and then.

    Raises PoisonEvent as the process met it; what else stops a process is logged, and its ranges are left as they are.
    What `report` raises (KeyboardInterrupt too) ends all processes.
    """
    context = multiprocessing.get_context("spawn")
    spent: dict[Connection, Spent] = {}
    processes: dict[Connection, BaseProcess] = {}
    for part in parts:
        ours, theirs = context.Pipe(duplex=False)
        process: BaseProcess = context.Process(target=_work, args=(part, theirs), daemon=True)
        process.start()
        theirs.close()
        processes[ours], spent[ours] = process, NOTHING
    open_pipes = list(processes)
    try:
        while open_pipes:
            for pipe in wait(open_pipes, _SPEAK):
                if isinstance(pipe, Connection) and not _hear(pipe, spent):
                    open_pipes.remove(pipe)
            report(total(spent.values()))
    finally:
        for pipe, process in processes.items():
            _leave(pipe, process)
    return total(spent.values())


def total(spent: Iterable[Spent]) -> Spent:
    """Added up, field by field."""
    return Spent(*(sum(values) for values in zip(*map(astuple, spent), strict=True)))


def _hear(pipe: Connection, spent: dict[Connection, Spent]) -> bool:
    """Takes one message; False at the end."""
    try:
        message: Spent | _Failed = pipe.recv()
    except EOFError:
        return False
    if isinstance(message, Spent):
        spent[pipe] = message
        return True
    if message.poison is not None:
        raise PoisonEvent(*message.poison)
    _log.warning("a process of this rebuild stopped: %s", message.message)
    return True


def _leave(pipe: Connection, process: BaseProcess) -> None:
    """A closed pipe tells the process to stop; one that does not hear is ended."""
    pipe.close()
    process.join(_LEAVE)
    if process.is_alive():
        process.terminate()
        process.join()
    if process.exitcode:
        _log.warning("a process of this rebuild ended with exit code %s; its ranges go on here", process.exitcode)


class _ParentGone(Exception):
    """Nobody listens any more."""


def _work(part: Share, pipe: Connection) -> None:
    """The life of one process. Ctrl-C reaches all of them: the parent hears it and closes the pipes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _Process(part, pipe).run()
    except _ParentGone:
        return
    except PoisonEvent as error:
        poison = (error.view, error.stream, error.version, error.type, error.reason)
        pipe.send(_Failed(poison, str(error)))
    except (ProjectionError, AzureError) as error:
        pipe.send(_Failed(None, str(error)))


class _Process:
    def __init__(self, part: Share, pipe: Connection) -> None:
        self._part = part
        self._pipe = pipe
        self._allowance = RateLimiter(part.max_ru) if part.max_ru else None
        self._meter = Meter(self._allowance)
        self._spoken_at = 0.0

    def run(self) -> None:
        client, database = self._part.connect(self._allowance)
        stores = Database.open(client, database, meter=self._meter)
        part = self._part
        consumer = ViewConsumer(
            part.view,
            part.generation,
            views=stores.views,
            history=stores.history,
            mapper=stores.mapper,
            park=part.park,
            max_pending=part.settings.pending,
        )
        worker = Worker(client, database, [consumer], within=part.ranges, settings=part.settings, meter=self._meter)
        worker.run_until_idle(_VISIT, near=True, progress=self._speak)
        self._send()

    def _speak(self) -> None:
        if time.monotonic() - self._spoken_at >= _SPEAK:
            self._spoken_at = time.monotonic()
            self._send()

    def _send(self) -> None:
        try:
            self._pipe.send(self._meter.spent())
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _ParentGone from error


def release_all(stores: Database, view: str, generation: int) -> None:
    """Frees leases that processes left behind: they are known to be gone."""
    for lease in stores.leases.of(consumer_name(view, generation)):
        if lease.owner is not None:
            stores.leases.release(lease)
