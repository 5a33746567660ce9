"""What aggregates share: ids that are strings, time that comes with the command, snapshots that are JSON-native."""

from collections.abc import Iterable, Iterator
from dataclasses import field, fields
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any, Protocol, Self, TypeVar

from eventsourcing.domain import (
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    CanSnapshotAggregate,
    MetaDomainEvent,
)
from eventsourcing.utils import get_topic, register_topic, resolve_topic

from domain.state import describe, fields_from_json, to_json
from domain.times import utc


class DomainEvent(CanMutateAggregate[str], metaclass=MetaDomainEvent):
    """Something that happened to `originator_id` at `timestamp`, in UTC the time that its command brought along.

    A subclass lists its fields as annotations (JSON-native values, dates and times), names itself for ever in `TOPIC`,
    and says in `apply` what becomes of the aggregate. The library makes it a frozen data class.
    """

    originator_id: str
    originator_version: int
    timestamp: datetime

    def __post_init__(self) -> None:
        if self.timestamp.tzinfo is not UTC:
            object.__setattr__(self, "timestamp", utc(self.timestamp))

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

    `class_version` goes up with every change of what events do to the state. Fields and events need no such reminder.
    """

    Event = DomainEvent
    class_version = 1


@cache
def state_version(aggregate_class: type[Aggregate]) -> str:
    """The version of an aggregate's state, as text: two programs with the same one fold the same events to the same.

    It comes from `class_version`, from the declared state, and from the events that the class knows, so a program that
    lacks a field or an event of another one never goes on from what that one has folded.
    """
    events = sorted(_events(aggregate_class), key=lambda event: event.__qualname__)
    known = [f"{get_topic(event)} {getattr(event, 'class_version', 1)} {describe(event)}" for event in events]
    digest = sha256("\n".join([describe(aggregate_class), *known]).encode()).hexdigest()
    return f"{aggregate_class.class_version}-{digest[:16]}"


def _events(aggregate_class: type) -> set[type[DomainEvent]]:
    named = (getattr(aggregate_class, name, None) for name in dir(aggregate_class))
    return {each for each in named if isinstance(each, type) and issubclass(each, DomainEvent)}


def _subclasses(cls: type[Any]) -> Iterator[type[Any]]:
    for each in cls.__subclasses__():
        yield each
        yield from _subclasses(each)


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

    @classmethod
    def version_of(cls, stream: str) -> str:
        """The version of the state that this program folds a stream into: that of the class whose TOPIC begins the
        stream's name, and of all aggregates together when there is no such class."""
        known: set[type[Aggregate]] = set(_subclasses(Aggregate))
        named = [each for each in known if getattr(each, "TOPIC", None) == stream.partition("-")[0]]
        if len(named) == 1:
            return state_version(named[0])
        return sha256("\n".join(sorted(state_version(each) for each in known)).encode()).hexdigest()[:16]

    def mutate(self, _: None) -> BaseAggregate[str]:
        """The aggregate again. What another version of the class has folded is refused: no upcast can know what that
        one made of the events, or did not."""
        known = resolve_topic(self.topic).class_version
        if (taken := self.state.get("class_version")) != known:
            raise ValueError(f"a snapshot of {self.topic}, version {taken}, and this program folds version {known}")
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
