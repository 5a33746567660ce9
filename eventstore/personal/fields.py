"""How the mapper treats the personal fields of events: stored as tokens only, and readable only to those who ask."""

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from eventstore.errors import EventNotStorable
from eventstore.personal.data import PersonalData
from eventstore.personal.token import Token

Marked: TypeAlias = Callable[[type], Collection[str]]
"""The names of an event class's personal fields."""


class SealedFields:
    """A field codec for those who write: nobody can forget to encrypt a personal text. Reads leave tokens as they are.

    `carried` says of the fields of an event that their text came from another event and was checked there. It may be a
    text that was stored before there was encryption.
    """

    def __init__(self, marked: Marked, *, carried: Callable[[dict[str, Any]], bool] = lambda _: False) -> None:
        self._marked = marked
        self._carried = carried

    def encode(self, event_class: type, stream: str, fields: dict[str, Any]) -> None:
        """
        Raises:
            EventNotStorable: a personal text is not encrypted.
        """
        for name in self._marked(event_class):
            text = fields[name]
            if text is not None and Token.parse(text) is None and not self._carried(fields):
                raise EventNotStorable(
                    f"{event_class.__qualname__}.{name} of stream {stream} is personal and not encrypted: "
                    "seal it before it goes into an event"
                )

    def decode(self, event_class: type, stream: str, fields: dict[str, Any]) -> None:
        """Nothing: whoever folds events needs no personal text."""


class ReadableFields:
    """A field codec for those who show events to people: personal fields are readable, or say that they are erased."""

    def __init__(self, marked: Marked, personal: PersonalData) -> None:
        self._marked = marked
        self._personal = personal

    def encode(self, event_class: type, stream: str, fields: dict[str, Any]) -> None:  # noqa: ARG002
        """
        Raises:
            EventNotStorable: always. What was made readable must not be stored again.
        """
        raise EventNotStorable(f"{event_class.__qualname__} of stream {stream} was read for people, not to be stored")

    def decode(self, event_class: type, stream: str, fields: dict[str, Any]) -> None:  # noqa: ARG002
        for name in self._marked(event_class):
            if isinstance(text := fields.get(name), str):
                fields[name] = self._personal.text(text)
