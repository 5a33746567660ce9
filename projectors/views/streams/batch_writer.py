"""Writes guards and their items: one transactional batch per partition and hundred operations, partitions side by side.

A batch that finds another guard than expected writes nothing and hands its guards back, to be read again and decided
again. One that the store will never take is tried guard by guard, so that only the stream at fault is held up: what is
too large or malformed, and also an item that is there already, or is not there. Items change only with their guard, and
the guard comes first in the batch: that it was as expected says that nobody else has had to do with it.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from eventstore.log.limits import MAX_OPERATIONS
from projectors.container import Container, Operation
from projectors.errors import Conflict, Rejected, Unanswered
from projectors.storable import check_size, size
from projectors.views.streams.checkpoint import Segment, StreamCheckpoint, operations

MAX_BYTES = 1_800_000


@dataclass(slots=True)
class Unwritten:
    """Guards whose changes are not, or not surely, stored."""

    again: list[StreamCheckpoint] = field(default_factory=list)
    """Somebody else was there, or no answer came: read again, decide again."""
    rejected: list[tuple[StreamCheckpoint, Rejected]] = field(default_factory=list)
    """The store will never take it."""


@dataclass(slots=True)
class _Write:
    guard: StreamCheckpoint
    operations: list[Operation]
    bytes: int


class BatchWriter:
    """Writes into one container; `executor` writes several partitions at a time, None one after the other."""

    def __init__(self, gateway: Container, executor: Executor | None = None) -> None:
        self._gateway = gateway
        self._executor = executor

    def write(self, guards: Iterable[StreamCheckpoint]) -> Unwritten:
        """Stores what the guards have pending. Whatever is not in the answer is stored."""
        partitions: dict[str, list[StreamCheckpoint]] = {}
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

    def _write_partition(self, guards: Sequence[StreamCheckpoint]) -> Unwritten:
        unwritten = Unwritten()
        queues: list[tuple[StreamCheckpoint, list[Segment]]] = []
        for guard in guards:
            try:
                queues.append((guard, guard.take_segments()))
            except Rejected as error:
                unwritten.rejected.append((guard, error))
        while queues:
            failed: set[int] = set()
            writes: list[_Write] = []
            for guard, segments in queues:
                try:
                    writes.append(_write(guard, segments.pop(0)))
                except Rejected as error:
                    unwritten.rejected.append((guard, error))
                    failed.add(id(guard))
            for batch in _batches(writes, self.room):
                failed |= self._write_batch(batch, unwritten)
            queues = [(guard, segments) for guard, segments in queues if segments and id(guard) not in failed]
        return unwritten

    def _write_batch(self, batch: Sequence[_Write], unwritten: Unwritten) -> set[int]:
        """The ids of the guards that could not be written."""
        everything = [operation for write in batch for operation in write.operations]
        try:
            etags = self._gateway.batch(batch[0].guard.place.partition, everything)
        except (Conflict, Unanswered, Rejected) as error:
            refusal = _refusal(error, batch)
            if refusal is None:
                unwritten.again += [write.guard for write in batch]
                return {id(write.guard) for write in batch}
            if len(batch) > 1:
                return set().union(*(self._write_batch([write], unwritten) for write in batch))
            unwritten.rejected.append((batch[0].guard, refusal))
            return {id(batch[0].guard)}
        position = 0
        for write in batch:
            write.guard.etag = etags[position]
            position += len(write.operations)
        return set()


def _write(guard: StreamCheckpoint, segment: Segment) -> _Write:
    """Raises Rejected for what is no JSON or too large; of a parked stream the store itself may say the latter."""
    wanted = operations(guard, segment, guard.etag)
    total = sum(size(operation) for operation in wanted)
    if "upto" not in segment.guard:
        check_size(total)
    return _Write(guard, wanted, total)


def _refusal(error: Conflict | Unanswered | Rejected, batch: Sequence[_Write]) -> Rejected | None:
    """Why the store will never take the batch; None when it was somebody else's doing, or may have been."""
    if not isinstance(error, Conflict):
        return error if isinstance(error, Rejected) else None
    position = error.index
    for write in batch:
        if position < len(write.operations):
            break
        position -= len(write.operations)
    if not position:
        return None
    verb, (key, *_), *_ = write.operations[position]
    if verb == "create":
        return Rejected(f"the view creates the item {key['id']!r}, which is there already", error.index)
    return Rejected(f"the view {verb}s the item {key!r}, which is not there", error.index)


def _batches(writes: Iterable[_Write], most: int) -> Iterator[list[_Write]]:
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
