"""One partition: an append-only sequence of events, its readers, and what retention leaves of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from localazure.amqp.errors import Refusal
from localazure.amqp.message import Event
from localazure.eventhubs.errors import BeyondTheEnd, LinkStolen, TooManyReceivers
from localazure.eventhubs.hubs.position import Position
from localazure.eventhubs.hubs.store import Column, EventStore, Row, Tail

MAX_READERS = 5
"""Readers without an epoch per partition and consumer group:
https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas"""


class Reader(Protocol):
    """A receiving link, as its partition sees it."""

    epoch: int | None
    group: str

    def notify(self) -> None:
        """New events are there. Must not send them before it returns: the sender still waits for its answer."""

    def disconnect(self, cause: Refusal) -> None:
        """Another reader took the partition."""


@dataclass(slots=True)
class Partition:
    """Events of one partition of a hub, stored and handed out in order of their sequence numbers."""

    hub: str
    number: int
    clock: Callable[[], int]
    """Milliseconds since 1970."""
    _store: EventStore
    _id: int
    tail: Tail
    first: int = 0
    """Sequence number of the oldest event that is kept; the next one to come when none is."""
    _readers: list[Reader] = field(default_factory=list)

    def __post_init__(self) -> None:
        kept = self._store.first_sequence(self._id)
        self.first = self.tail.next_sequence if kept is None else kept

    @property
    def empty(self) -> bool:
        return self.first == self.tail.next_sequence

    def append(self, events: Sequence[Event], key: str | None = None) -> None:
        """Stores all events or none; when this returns they survive the death of the process.

        `key` is the batch's partition key, for events that carry none of their own.
        """
        now = max(self.clock(), self.tail.last_ms)
        sequence, offset = self.tail.next_sequence, self.tail.next_offset
        rows: list[Row] = []
        for given in events:
            event = given if given.key is not None or key is None else given._replace(key=key)
            rows.append(Row(sequence, offset, now, event.numbered(sequence, offset, now)))
            sequence += 1
            offset += event.size
        tail = Tail(sequence, offset, rows[-1].offset, now)
        self._store.append(self._id, rows, tail)
        self.tail = tail
        for reader in self._readers:
            reader.notify()

    def read(self, sequence: int, limit: int) -> list[tuple[int, bytes]]:
        """Sequence numbers and messages of at most `limit` events from `sequence` on."""
        if sequence >= self.tail.next_sequence:
            return []
        return self._store.read(self._id, sequence, limit)

    def locate(self, position: Position) -> int:
        """The sequence number of the first event at or behind a position. Raises BeyondTheEnd."""
        end = self.tail.next_sequence
        if position.kind == "start":
            return self.first
        if position.kind == "latest":
            return end
        wanted = position.value + (0 if position.inclusive else 1)
        if position.kind == "offset" and position.value > self.tail.last_offset:
            raise BeyondTheEnd("offset", position.value, self.tail.last_offset)
        if position.kind == "sequence-number":
            if position.value >= end:
                raise BeyondTheEnd("sequence number", position.value, end - 1)
            return min(max(wanted, self.first), end)
        column: Column = "offset" if position.kind == "offset" else "enqueued_ms"
        return self._store.bisect(self._id, column, wanted, self.first, end)

    def enforce(self, oldest_ms: int, max_bytes: int | None) -> None:
        """Removes events enqueued before `oldest_ms` and, oldest first, what is over `max_bytes`."""
        end = self.tail.next_sequence
        keep = self._store.bisect(self._id, "enqueued_ms", oldest_ms, self.first, end)
        if max_bytes is not None:
            keep = self._store.bisect(self._id, "offset", self.tail.next_offset - max_bytes, keep, end)
        if keep > self.first:
            self._store.trim(self._id, keep)
            self.first = keep

    def attach(self, reader: Reader) -> None:
        """Admits a reader; the readers it displaces are disconnected. Raises LinkStolen, TooManyReceivers."""
        rivals = [other for other in self._readers if other.group == reader.group]
        owner = max((other.epoch for other in rivals if other.epoch is not None), default=None)
        where = f"partition {self.number} of {self.hub!r} in consumer group {reader.group!r}"
        if owner is not None and (reader.epoch is None or reader.epoch < owner):
            asked = "no epoch" if reader.epoch is None else f"epoch {reader.epoch}"
            raise LinkStolen(f"{where} is read with epoch {owner}; a receiver with {asked} cannot read it")
        if reader.epoch is None and len(rivals) >= MAX_READERS:
            raise TooManyReceivers(f"{where} already has {MAX_READERS} receivers; close one of them")
        self._readers.append(reader)
        if reader.epoch is not None:
            for other in rivals:
                other.disconnect(LinkStolen(f"{where} was taken over by a receiver with epoch {reader.epoch}"))

    def detach(self, reader: Reader) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
