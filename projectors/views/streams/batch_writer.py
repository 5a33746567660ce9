"""Writes guards and their items: one transactional batch per partition and hundred operations, partitions side by side.

A batch that finds another guard than expected writes nothing and hands its guards back, to be read again and decided
again. One that the store will never take is tried guard by guard, so that only the stream at fault is held up.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from projectors.container import Gateway, Operation
from projectors.errors import Conflict, Rejected, Unanswered
from projectors.views.streams.checkpoint import Guard, Segment, operations, size

MAX_OPERATIONS = 100
MAX_BYTES = 1_800_000


@dataclass(slots=True)
class Unwritten:
    """Guards whose changes are not, or not surely, stored."""

    again: list[Guard] = field(default_factory=list)
    """Somebody else was there, or no answer came: read again, decide again."""
    rejected: list[tuple[Guard, Rejected]] = field(default_factory=list)
    """The store will never take it."""


@dataclass(slots=True)
class _Write:
    guard: Guard
    operations: list[Operation]
    bytes: int


class GuardWriter:
    """Writes into one container; `executor` writes several partitions at a time, None one after the other."""

    def __init__(self, gateway: Gateway, executor: Executor | None = None) -> None:
        self._gateway = gateway
        self._executor = executor

    def write(self, guards: Iterable[Guard]) -> Unwritten:
        """Stores what the guards have pending. Whatever is not in the answer is stored."""
        partitions: dict[str, list[Guard]] = {}
        for guard in guards:
            partitions.setdefault(guard.place.partition, []).append(guard)
        unwritten = Unwritten()
        run = map if self._executor is None or len(partitions) == 1 else self._executor.map
        for part in run(self._write_partition, partitions.values()):
            unwritten.again += part.again
            unwritten.rejected += part.rejected
        return unwritten

    @property
    def room(self) -> int:
        """How many operations fit into a batch now."""
        return self._gateway.operations(MAX_OPERATIONS)

    def _write_partition(self, guards: Sequence[Guard]) -> Unwritten:
        unwritten = Unwritten()
        queues = [(guard, guard.take_segments()) for guard in guards]
        while queues:
            failed: set[int] = set()
            for batch in _batches((_write(guard, segments.pop(0)) for guard, segments in queues), self.room):
                failed |= self._write_batch(batch, unwritten)
            queues = [(guard, segments) for guard, segments in queues if segments and id(guard) not in failed]
        return unwritten

    def _write_batch(self, batch: Sequence[_Write], unwritten: Unwritten) -> set[int]:
        """The ids of the guards that could not be written."""
        everything = [operation for write in batch for operation in write.operations]
        try:
            etags = self._gateway.batch(batch[0].guard.place.partition, everything)
        except (Conflict, Unanswered):
            unwritten.again += [write.guard for write in batch]
            return {id(write.guard) for write in batch}
        except Rejected as error:
            if len(batch) > 1:
                return set().union(*(self._write_batch([write], unwritten) for write in batch))
            unwritten.rejected.append((batch[0].guard, error))
            return {id(batch[0].guard)}
        position = 0
        for write in batch:
            write.guard.etag = etags[position]
            position += len(write.operations)
        return set()


def _write(guard: Guard, segment: Segment) -> _Write:
    wanted = operations(guard, segment, guard.etag)
    return _Write(guard, wanted, sum(size(operation) for operation in wanted))


def _batches(writes: Iterator[_Write], most: int) -> Iterator[list[_Write]]:
    batch: list[_Write] = []
    count = total = 0
    for write in writes:
        if batch and (count + len(write.operations) > most or total + write.bytes > MAX_BYTES):
            yield batch
            batch, count, total = [], 0, 0
        batch.append(write)
        count += len(write.operations)
        total += write.bytes
    if batch:
        yield batch
