"""A small aggregate of these tests: a purse that takes money in and pays it out, and never goes below zero."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Self

from eventsourcing.domain import (
    BaseAggregate,
    CanInitAggregate,
    CanMutateAggregate,
    CanSnapshotAggregate,
    MetaDomainEvent,
)
from eventsourcing.utils import get_topic, register_topic

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


class Refused(Exception):
    def __init__(self, code: str, message: str, **details: str | int) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, details


class PurseEvent(CanMutateAggregate[str], metaclass=MetaDomainEvent):
    originator_id: str
    originator_version: int
    timestamp: datetime


class Purse(BaseAggregate[str]):
    TOPIC = "test.purse"

    class Event(PurseEvent):
        """What happens to a purse."""

    class Opened(CanInitAggregate[str], Event):
        TOPIC = "test.purse.opened"
        originator_topic: str
        owner: str

    class PaidIn(Event):
        TOPIC = "test.purse.paid-in"
        amount: int
        day: date | None

        def apply(self, purse: "Purse") -> None:
            purse.balance += self.amount

    class PaidOut(Event):
        TOPIC = "test.purse.paid-out"
        amount: int

        def apply(self, purse: "Purse") -> None:
            purse.balance -= self.amount

    owner: str
    balance: int = 0

    @classmethod
    def open(cls, stream: str, owner: str = "alice") -> Self:
        return cls._create(cls.Opened, id=stream, owner=owner, timestamp=AT)

    def pay_in(self, amount: int, day: date | None = None) -> Self:
        self.trigger_event(self.PaidIn, amount=amount, day=day, timestamp=AT)
        return self

    def pay_out(self, amount: int) -> Self:
        if amount > self.balance:
            raise Refused("TOO_LITTLE", f"{amount} asked, {self.balance} there", asked=amount, there=self.balance)
        self.trigger_event(self.PaidOut, amount=amount, timestamp=AT)
        return self


class PurseSnapshot(CanSnapshotAggregate[str], metaclass=MetaDomainEvent):
    TOPIC = "test.purse.snapshot"
    originator_id: str
    originator_version: int
    timestamp: datetime
    topic: str
    state: dict[str, Any]

    @classmethod
    def take(cls, aggregate: Any) -> Self:
        return cls(
            originator_id=aggregate.id,
            originator_version=aggregate.version,
            timestamp=AT,
            topic=get_topic(type(aggregate)),
            state={"owner": aggregate.owner, "balance": aggregate.balance},
        )

    @staticmethod
    def version_of(_: str) -> str:
        return "1"

    def mutate(self, _: None) -> Any:
        purse = super().mutate(None)
        vars(purse).update(_created_on=AT, _modified_on=AT)
        return purse


register_topic(PurseSnapshot.TOPIC, PurseSnapshot)


def fold(aggregate: Any, events: Iterable[Any]) -> Any:
    for event in events:
        aggregate = event.mutate(aggregate)
    return aggregate
