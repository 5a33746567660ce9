"""A subject: the person or firm behind accounts, by a pseudonymous id; and that what was known of it is erased.

The texts themselves are nowhere in this stream. They are encrypted under a key of the subject wherever they are; the
key is destroyed first, then the subject's stream says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from eventsourcing.utils import get_topic

from domain.aggregate import Aggregate, CreatedEvent, DomainEvent
from domain.ids import check_id


class Subject(Aggregate):
    """`key` is the number of the last key that was destroyed."""

    TOPIC = "subject"

    class Event(DomainEvent):
        """Something that happened to a subject."""

    class Forgotten(Event, CreatedEvent):
        TOPIC = "subject.forgotten"
        key: int

        def mutate(self, aggregate: Any) -> Any:
            """Makes the subject, the first time; each later key that is destroyed changes it."""
            return super().mutate(None) if aggregate is None else DomainEvent.mutate(self, aggregate)

        def apply(self, subject: Subject) -> None:
            subject.key = self.key

    # State

    key: int

    @property
    def subject_id(self) -> str:
        """The owner's id."""
        return self.id.removeprefix(subject_stream(""))

    # Commands

    @classmethod
    def forget(cls, subject: Subject | None, subject_id: str, *, key: int, at: datetime) -> Subject:
        """Key number `key` of the subject is destroyed, and with it every text that was encrypted under it."""
        check_id(subject_id)
        if subject is None:
            return cls._create(cls.Forgotten, id=subject_stream(subject_id), key=key, timestamp=at)
        if subject.key < key:
            subject.trigger_event(cls.Forgotten, originator_topic=get_topic(cls), key=key, timestamp=at)
        return subject


def subject_stream(subject_id: str) -> str:
    """The name of a subject's stream."""
    return f"subject-{subject_id}"
