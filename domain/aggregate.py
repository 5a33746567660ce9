"""What aggregates share: ids that are strings, time that comes with the command, snapshots that are JSON-native."""

from collections.abc import Iterable
from dataclasses import field, fields
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar

from eventsourcing.domain import (
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    CanSnapshotAggregate,
    MetaDomainEvent,
)
from eventsourcing.utils import get_topic, register_topic

from domain.state import fields_from_json, to_json


class DomainEvent(CanMutateAggregate[str], metaclass=MetaDomainEvent):
    """Something that happened to `originator_id` at `timestamp`, the time that its command brought along.

    A subclass lists its fields as annotations (JSON-native values, dates and times), names itself for ever in `TOPIC`,
    and says in `apply` what becomes of the aggregate. The library makes it a frozen data class.
    """

    originator_id: str
    originator_version: int
    timestamp: datetime

    def __post_init__(self) -> None:
        if self.timestamp.utcoffset() is None:
            raise ValueError(f"{type(self).__qualname__} needs a time with its zone, not {self.timestamp!r}")

    @staticmethod
    def create_timestamp() -> datetime:
        """Refuse: nothing in the domain reads a clock."""
        raise TypeError("an event takes its time from its command: pass timestamp=")


class CreatedEvent(CanInitAggregate[str], DomainEvent):
    """An aggregate's first event. Its fields become the aggregate's state where the names agree."""

    originator_topic: str


class Aggregate(BaseAggregate[str]):
    """A subclass declares events, then its state as annotations with defaults, then the commands that trigger events.

    A command either triggers events, or triggers none because its effect is already there, or raises a `DomainError`
    and leaves the aggregate as it was.
    """

    Event = DomainEvent
    class_version = 1


class Snapshot(CanSnapshotAggregate[str], metaclass=MetaDomainEvent):
    """The declared state of an aggregate at one version, as JSON-native values."""

    TOPIC = "snapshot"

    originator_id: str
    originator_version: int
    timestamp: datetime
    topic: str
    state: dict[str, Any]

    @classmethod
    def take(cls, aggregate: Any) -> Self:
        """The snapshot's time is that of the last event in it."""
        state = {each.name: getattr(aggregate, each.name) for each in fields(aggregate)}
        return cls(  # type: ignore[call-arg]
            originator_id=aggregate.id,
            originator_version=aggregate.version,
            timestamp=aggregate.modified_on,
            topic=get_topic(type(aggregate)),
            state=to_json({**state, "created_on": aggregate.created_on, "class_version": aggregate.class_version}),
        )

    def mutate(self, _: None) -> BaseAggregate[str]:
        """The aggregate again, its state brought up to the class's version by the library's upcasts."""
        aggregate = super().mutate(None)
        state = vars(aggregate)
        state |= fields_from_json(type(aggregate), state)
        state["_created_on"] = datetime.fromisoformat(state.pop("created_on"))
        state["_modified_on"] = self.timestamp
        return aggregate


register_topic(Snapshot.TOPIC, Snapshot)


class _Mutates(Protocol):
    def mutate(self, aggregate: Any, /) -> Any: ...


A = TypeVar("A", bound=BaseAggregate[str])


def fold(aggregate: A | None, events: Iterable[_Mutates]) -> A | None:
    """The aggregate after `events`, in their order; a snapshot may be the first of them.

    A projector function for the library, without its check of each event against a run-time protocol, which costs
    more than everything else in a fold. The order and the owner of each event are still checked by the event.
    """
    for event in events:
        aggregate = event.mutate(aggregate)
    return aggregate


def personal() -> Any:
    """A field of an event whose text may be about a person, so that it can be encrypted for that person alone."""
    return field(metadata={"personal": True})


def personal_fields(event_class: type) -> frozenset[str]:
    """The names of the fields of `event_class` that are marked as `personal`."""
    return frozenset(each.name for each in fields(event_class) if each.metadata.get("personal"))
