"""Commands that take effect exactly once: load, decide, append; on a conflict load and decide again.

    store = CommandStore(database, mapper=Mapper(), fold=fold, refusals=DomainError, snapshot_class=Snapshot)
    outcome = store.execute("account-alice", Command(key, fingerprint), lambda account: …)

The first event of a command carries its id, which is unique in the stream, so whatever happens on the way - a lost
answer, a request that lands late, two processes with the same command - its events are there once or not at all. A
refusal or a no-op is recorded under the same id, and answered only when it is: otherwise one attempt could end refused
and another accepted.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import uuid4

from azure.cosmos import DatabaseProxy
from eventsourcing.persistence import Mapper

from eventstore.commands.cache import StreamCache, StreamLocks
from eventstore.commands.execution import Execution, Parts, look_up
from eventstore.commands.snapshots import Fold, SnapshotClass, Snapshots
from eventstore.commands.states import State, States
from eventstore.cosmos.containers import EVENTS, SNAPSHOTS
from eventstore.log.event_log import EventLog
from eventstore.log.fence import fence
from eventstore.log.limits import check_stream
from eventstore.log.outcomes import Command, Outcome, Refusal

__all__ = ["Command", "CommandStore", "Outcome", "Refusal"]

A = TypeVar("A")


class CommandStore:
    """Runs commands on the streams of one database. Safe for any number of threads; one per process is meant.

    Args:
        mapper: writes and reads domain events.
        fold: `fold(aggregate or None, events)`, how aggregates come from events (and from a snapshot as the first one).
        refusals: the class of exceptions that mean "no"; they have `code`, `message` and `details` (JSON values).
        snapshot_class: takes snapshots (`take(aggregate)`) and names their versions (`version_of(stream)`); None for no
            snapshots.
        snapshot_every: how many events behind the last snapshot a new one is taken.
        cache_size: how many aggregates stay in memory.
        attempts: how often a command is decided when other writers are faster.
        patience: seconds that a command waits for others of this process on the same stream.
    """

    def __init__(
        self,
        database: DatabaseProxy,
        *,
        mapper: Mapper[Any],
        fold: Fold,
        refusals: type[Exception],
        snapshot_class: SnapshotClass | None = None,
        snapshot_every: int = 50,
        cache_size: int = 10_000,
        attempts: int = 8,
        patience: float = 10.0,
    ) -> None:
        self._containers = [database.get_container_client(spec.name) for spec in (EVENTS, SNAPSHOTS)]
        self._log = log = EventLog(self._containers[0])
        snapshots = Snapshots(self._containers[1], mapper, fold, snapshot_class) if snapshot_class else None
        self._states = States(log, snapshots, mapper, fold)
        self._cache: StreamCache[State] = StreamCache(cache_size)
        self._locks = StreamLocks(patience)
        self._parts = Parts(
            log=log,
            states=self._states,
            snapshots=snapshots,
            snapshot_every=snapshot_every,
            cache=self._cache,
            mapper=mapper,
            refusals=refusals,
            attempts=attempts,
        )

    def warm_up(self) -> None:
        """Read what the SDK needs to know of the containers, so that no command pays for it."""
        for container in self._containers:
            container.read()

    def load(self, stream: str, *, session: str | None = None) -> Any:
        """The aggregate as it is stored now, None if the stream has no events; the caller's own, not the cache's.

        With the session token of a command's position it sees that command, wherever it ran. Without, it sees what the
        cache knows; what another process was answered a moment ago may be missing.
        """
        if session is None and (known := self._cache.peek(stream)):
            session = known.session
        return self._states.read(stream, session=session).aggregate

    def glance(self, stream: str) -> Any:
        """The aggregate as this process last saw it, or read now; not to be changed. For facts that never change.

        None says nothing: the stream may have events that a replica has not seen yet. Therefore it is not kept. What
        else is read stays in the cache, so a command that follows does not read it again.
        """
        if (known := self._cache.peek(stream)) and known.exists:
            return known.aggregate
        with self._locks.hold(stream):  # another thread may have taken it out to work on it
            if (known := self._cache.peek(stream)) and known.exists:
                return known.aggregate
            state = self._states.read(stream)
            if state.exists:
                self._cache.put(stream, state)
            return state.aggregate

    def look(self, stream: str) -> Any:
        """As `glance`, and None means that the stream had no events when this was called."""
        found = self.glance(stream)
        if found is None:
            session = fence(self._parts.log, stream, uuid4().hex)
            found = self._states.read(stream, session=session).aggregate
        return found

    def snapshot_fault(self, stream: str) -> str | None:
        """What is wrong with the snapshot that this program begins a stream at; None if there is none, or it is sound.

        Reads the stream from its first event up to there, a few pages in memory.
        """
        return self._states.snapshot_fault(stream, session=fence(self._parts.log, stream, uuid4().hex))

    def execute(
        self,
        stream: str,
        command: Command,
        decide: Callable[[A | None], A | None],
        *,
        answer: Callable[[A], Mapping[str, Any]] | None = None,
        expected_version: int | None = None,
    ) -> Outcome:
        """Run one command, or say again what became of it.

        Whatever `decide` and `answer` raise, and whatever is wrong with their events, passes through only after the
        command was looked up: what is recorded under its id is its outcome, whatever the clock, the rules or the
        program say by now.

        Args:
            decide: gets the aggregate, None if the stream has no events, and returns it or a new one with pending
                events, or without any if there is nothing to do; may be called several times. The aggregate is the
                cached one itself: change it through its events only.
            answer: the facts that the command is answered with (JSON values), from the aggregate after its events.
            expected_version: run only if the stream is at this version (0: has no events).

        Raises:
            NameInvalid: no stream can have this name.
            VersionMismatch: the stream is at another version; nothing was recorded.
            CommandReused: the id was recorded with another fingerprint.
            StoreBusy: others were faster each time, or Cosmos DB throttles.
            StoreUnavailable: no answer. After both the command may have taken effect; repeat it with the same id.
            TooManyEvents, EventTooLarge, EventNotStorable: the command's events cannot be stored.
            Exception: what `decide` and `answer` raise and is no refusal.
        """
        check_stream(stream)
        with self._locks.hold(stream):
            return Execution(self._parts, stream, command, decide, answer, expected_version).run()

    def recorded(self, stream: str, command: Command) -> Outcome | None:
        """What became of a command, None if nothing is recorded under its id at this moment. Two requests.

        For who would refuse a command before it is decided, and must not contradict what was answered before.

        Raises:
            NameInvalid, CommandReused, StoreBusy, StoreUnavailable: as `execute`.
        """
        check_stream(stream)
        return look_up(self._parts.log, stream, command)
