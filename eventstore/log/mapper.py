"""Domain events to stored events and back, as plain JSON that any reader understands.

Dates and times are ISO 8601 strings and come back as what the event class's annotations say. Everything else is a
JSON value. The name under which a class is registered (`TOPIC`) is what is stored, never a Python path.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, cast, get_args, get_type_hints

import orjson
from eventsourcing.domain import DomainEventProtocol, TAggregateID
from eventsourcing.persistence import (
    Cipher,
    Compressor,
    MapperDeserialisationError,
    StoredEvent,
    Transcoder,
)
from eventsourcing.persistence import Mapper as LibraryMapper
from eventsourcing.utils import TopicError, get_topic, resolve_topic

from eventstore.errors import EventNotStorable, UnknownEventType, UnknownSchema
from eventstore.log.documents import JSON, Document, RecordedEvent, from_text

_STORABLE: Final = frozenset({str, int, bool, type(None), date, datetime, dict, list})

_Restore: TypeAlias = Callable[[str], date]


class _Form(NamedTuple):
    """What reading the events of one type takes: looked up once, used for every event."""

    event_class: type
    schema: int
    dates: "tuple[tuple[str, _Restore], ...]"


class FieldCodec(Protocol):
    """Rewrites single fields of an event on their way to and from storage, as encryption for one person does.

    Both methods get the event class, the stream, and the fields by name, JSON values; they change the dict in place.
    """

    def encode(self, event_class: type, stream: str, fields: dict[str, Any]) -> None: ...

    def decode(self, event_class: type, stream: str, fields: dict[str, Any]) -> None: ...


class PlainTranscoder(Transcoder):
    """JSON and nothing but JSON, by orjson; dates and times are written as ISO 8601 and read as strings."""

    def encode(self, obj: Any) -> bytes:
        """
        Raises:
            EventNotStorable: a value that is not JSON, or an integer beyond 64 bits.
        """
        try:
            return orjson.dumps(obj)
        except TypeError as error:
            raise EventNotStorable(f"not a JSON value: {error}") from error

    def decode(self, data: bytes) -> Any:
        return orjson.loads(data)


class Mapper(LibraryMapper[TAggregateID]):
    """The library's mapper with `PlainTranscoder` unless told otherwise, and with errors that say stream and version.

    `upcast_v1_v2(state)` of an event class gets the stored fields as they were written: dates are still strings.
    """

    def __init__(
        self,
        transcoder: Transcoder | None = None,
        compressor: Compressor | None = None,
        cipher: Cipher | None = None,
        *,
        fields: FieldCodec | None = None,
    ) -> None:
        super().__init__(transcoder or PlainTranscoder(), compressor, cipher)
        self._fields = fields
        self._forms: dict[str, _Form] = {}
        self._plain = type(self.transcoder) is PlainTranscoder and not (compressor or cipher)

    def to_stored_event(self, domain_event: DomainEventProtocol[TAggregateID]) -> StoredEvent:
        """
        Raises:
            EventNotStorable: a field is neither a JSON value nor a date or time; floats are not, no money is a float.
        """
        event_class = type(domain_event)
        state = dict(vars(domain_event))
        originator_id = state.pop("originator_id")
        originator_version = state.pop("originator_version")
        for name, value in state.items():
            if type(value) not in _STORABLE:
                raise EventNotStorable(
                    f"{event_class.__qualname__}.{name} is a {type(value).__name__}: "
                    "events hold str, int, bool, None, date, datetime, and lists and dicts of them"
                )
        if (schema := schema_of(event_class)) > 1:
            state["class_version"] = schema
        if self._fields:
            self._fields.encode(event_class, str(originator_id), state)
        data = self.transcoder.encode(state)
        if self.compressor:
            data = self.compressor.compress(data)
        if self.cipher:
            data = self.cipher.encrypt(data)
        return StoredEvent(originator_id, originator_version, get_topic(event_class), data)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[TAggregateID]:
        """
        Raises:
            UnknownEventType: no class is registered for the stored type.
            UnknownSchema: stored by a newer class than the one that runs.
            MapperDeserialisationError: the bytes cannot be read, for example with the wrong key.
        """
        stream, version, topic = stored_event.originator_id, stored_event.originator_version, stored_event.topic
        event = self._restore(stream, version, topic, self._read(stream, version, topic, stored_event.state))
        return cast("DomainEventProtocol[TAggregateID]", event)

    def domain_event(self, recorded: RecordedEvent) -> Any:
        """The domain event of a recorded one. Its `originator_id` is the stream's name.

        Raises:
            UnknownEventType, UnknownSchema, MapperDeserialisationError: as `to_domain_event`.
        """
        stream, version, topic = recorded.stream, recorded.version, recorded.type
        return self._restore(stream, version, topic, self._read(stream, version, topic, recorded.state))

    def event_of(self, document: Document) -> Any:
        """The domain event of an event document as Cosmos DB gives it back, without the rest of it being read.

        Raises:
            UnknownEventType, UnknownSchema, MapperDeserialisationError: as `to_domain_event`.
            MalformedDocument: `state` is not what its form says.
        """
        stream, version, topic = document["streamId"], document["version"], document["type"]
        if not (self._plain and document["enc"] == JSON):
            state = from_text(document["enc"], document["state"])
            return self._restore(stream, version, topic, self._read(stream, version, topic, state))
        try:
            fields = orjson.loads(document["state"])
        except orjson.JSONDecodeError as error:
            raise _unreadable(stream, version, topic, error) from error
        return self._restore(stream, version, topic, fields)

    def _restore(self, originator_id: Any, version: int, topic: str, fields: dict[str, Any]) -> Any:
        form = self._forms.get(topic)
        if form is None:
            event_class = event_class_of(topic, originator_id, version)
            form = self._forms[topic] = _Form(event_class, schema_of(event_class), _dates(event_class))
        if (schema := fields.pop("class_version", 1)) != form.schema:
            _upcast(form, schema, fields, originator_id, version, topic)
        if self._fields:
            self._fields.decode(form.event_class, str(originator_id), fields)
        for name, restore in form.dates:
            if isinstance(value := fields.get(name), str):  # another transcoder may have restored it already
                fields[name] = restore(value)
        fields["originator_id"] = originator_id
        fields["originator_version"] = version
        event: Any = object.__new__(form.event_class)
        object.__setattr__(event, "__dict__", fields)
        return event

    def _read(self, originator_id: Any, version: int, topic: str, data: bytes) -> dict[str, Any]:
        try:
            if self.cipher:
                data = self.cipher.decrypt(data)
            if self.compressor:
                data = self.compressor.decompress(data)
            fields: dict[str, Any] = self.transcoder.decode(data)
        except Exception as error:
            raise _unreadable(originator_id, version, topic, error) from error
        return fields


def _unreadable(stream: object, version: int, topic: str, error: Exception) -> MapperDeserialisationError:
    return MapperDeserialisationError(
        f"cannot read event {version} of stream {stream} ({topic}): {error}: "
        "were CIPHER_KEY, COMPRESSOR_TOPIC and the transcoder the same when it was written?"
    )


def schema_of(event_class: type) -> int:
    """The schema that instances of the class are written with: the library's `class_version`, 1 by default."""
    version: int = getattr(event_class, "class_version", 1)
    return version


def event_class_of(topic: str, stream: object, version: int) -> type:
    """The class registered for a stored type.

    Raises:
        UnknownEventType: there is none.
    """
    try:
        found = resolve_topic(topic)
    except TopicError:
        raise UnknownEventType(str(stream), version, topic) from None
    if not isinstance(found, type):
        raise UnknownEventType(str(stream), version, topic)
    return found


def _upcast(form: "_Form", stored: int, fields: dict[str, Any], stream: object, version: int, topic: str) -> None:
    if stored > form.schema:
        raise UnknownSchema(str(stream), version, topic, stored, form.schema)
    for schema in range(stored, form.schema):
        getattr(form.event_class, f"upcast_v{schema}_v{schema + 1}")(fields)


def _dates(event_class: type) -> tuple[tuple[str, _Restore], ...]:
    """The fields of a class that hold dates or times, and how to read each."""
    hints: Mapping[str, Any] = get_type_hints(event_class)
    found: list[tuple[str, _Restore]] = []
    for name, hint in hints.items():
        kinds = {hint, *get_args(hint)}
        if datetime in kinds:
            found.append((name, datetime.fromisoformat))
        elif date in kinds:
            found.append((name, date.fromisoformat))
    return tuple(found)
