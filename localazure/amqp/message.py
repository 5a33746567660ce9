"""Messages as bytes: taken apart into sections, never decoded as a whole, so that nothing changes on the way.

A message is header 0x70, delivery annotations 0x71, message annotations 0x72, properties 0x73, application properties
0x74, body (0x75 data, 0x76 sequence, 0x77 value), footer 0x78 (AMQP 1.0 part 3, section 3.2). The service owns four
message annotations and writes them over whatever a sender put there:

    x-opt-sequence-number (long), x-opt-offset (string), x-opt-enqueued-time (timestamp), x-opt-partition-key (string)

A batch is one message with format 0x80013700 whose data sections are encoded messages.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from localazure.amqp.decode import content, decode, items, skip
from localazure.amqp.encode import long, mapping, section, string, symbol, timestamp
from localazure.amqp.errors import MalformedValue, MessageRejected

BATCH_FORMAT = 0x80013700
HEADER, DELIVERY_ANNOTATIONS, ANNOTATIONS, PROPERTIES, APPLICATION_PROPERTIES, DATA, SEQUENCE, VALUE, FOOTER = range(
    0x70, 0x79
)
PARTITION_KEY = "x-opt-partition-key"
_OWNED = {"x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time", PARTITION_KEY}
_MAX_KEY = 128
_SMALL_ULONG = b"\x53"

_SEQUENCE_NUMBER = symbol("x-opt-sequence-number")
_OFFSET = symbol("x-opt-offset")
_ENQUEUED = symbol("x-opt-enqueued-time")
_KEY = symbol(PARTITION_KEY)


class Section(NamedTuple):
    """One section: its code and where in the message it starts, where its value starts, and where both end."""

    code: int
    start: int
    value: int
    end: int


class Event(NamedTuple):
    """A received event, ready to be numbered: the parts around the annotations that the service writes."""

    head: bytes
    """Header and delivery annotations, as far as the sender wrote them."""
    annotations: tuple[bytes, ...]
    """Keys and values in turn that the sender may set, as they came."""
    key: str | None
    rest: bytes

    @property
    def size(self) -> int:
        return len(self.head) + sum(map(len, self.annotations)) + len(self.rest)

    def numbered(self, sequence: int, offset: int, enqueued_ms: int) -> bytes:
        """The message as consumers get it."""
        owned = [_SEQUENCE_NUMBER, long(sequence), _OFFSET, string(str(offset)), _ENQUEUED, timestamp(enqueued_ms)]
        if self.key is not None:
            owned += [_KEY, string(self.key)]
        return self.head + section(ANNOTATIONS, mapping([*owned, *self.annotations])) + self.rest


def sections(message: bytes) -> list[Section]:
    """The sections in the order in which they came. Raises MessageRejected for bytes that are none."""
    found: list[Section] = []
    position = 0
    try:
        while position < len(message):
            code, value = _descriptor(message, position)
            end = skip(message, value)
            found.append(Section(code, position, value, end))
            position = end
    except MalformedValue as error:
        raise MessageRejected(f"the message cannot be read: {error}") from error
    return found


def _descriptor(message: bytes, position: int) -> tuple[int, int]:
    """The code of the section at `position` and where its value starts."""
    if message[position] != 0:
        raise MalformedValue(f"no section starts at byte {position}")
    if message[position + 1 : position + 2] == _SMALL_ULONG and position + 2 < len(message):
        code, value = cast(object, message[position + 2]), position + 3
    else:
        code, value = decode(message, position + 1)
    if not isinstance(code, int) or not HEADER <= code <= FOOTER:
        raise MalformedValue(f"{code!r} at byte {position} describes no section")
    return code, value


def read_event(message: bytes) -> Event:
    """One message as an event, its sections put into the standard's order. Raises MessageRejected.

    (azure-eventhub writes delivery annotations behind the footer.)
    """
    head, key = b"", None
    annotations: tuple[bytes, ...] = ()
    rest: list[bytes] = []
    has_body = False
    for part in sorted(sections(message)):
        if part.code > ANNOTATIONS:
            has_body = has_body or DATA <= part.code <= VALUE
            rest.append(message[part.start : part.end])
        elif part.code == ANNOTATIONS:
            annotations, key = _annotations(message, part.value)
        else:
            head += message[part.start : part.end]
    if not has_body:
        raise MessageRejected("the event has no body section")
    return Event(head, annotations, key, b"".join(rest))


def _annotations(message: bytes, position: int) -> tuple[tuple[bytes, ...], str | None]:
    """The sender's own annotations as they came, and the partition key."""
    kept: list[bytes] = []
    key: str | None = None
    try:
        spans = items(message, position)
        for name, value in zip(spans[::2], spans[1::2], strict=True):
            text = decode(message, name[0])[0]
            if text not in _OWNED:
                kept += [message[name[0] : name[1]], message[value[0] : value[1]]]
            elif text == PARTITION_KEY:
                key = _partition_key(decode(message, value[0])[0])
    except MalformedValue as error:
        raise MessageRejected(f"the message annotations cannot be read: {error}") from error
    except ValueError as error:
        raise MessageRejected("the message annotations have a key without a value") from error
    return tuple(kept), key


def _partition_key(value: object) -> str | None:
    if value is None:
        return None
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if not isinstance(text, str) or len(text) > _MAX_KEY:
        raise MessageRejected(f"a partition key is a string of at most {_MAX_KEY} characters, not {text!r:.200}")
    return text


def read_batch(message: bytes) -> tuple[str | None, list[Event]]:
    """The partition key of a batch and its events; one that cannot be read refuses them all (MessageRejected)."""
    key: str | None = None
    events: list[Event] = []
    for part in sections(message):
        if part.code == ANNOTATIONS:
            _, key = _annotations(message, part.value)
        elif part.code == DATA:
            code, start, end = content(message, part.value)
            if code not in (0xA0, 0xB0):
                raise MessageRejected("a data section of the batch holds no binary")
            events.append(read_event(message[start:end]))
    if not events:
        raise MessageRejected("the batch holds no event")
    return key, events


def with_delivery_annotations(message: bytes, annotations: dict[str, bytes]) -> bytes:
    """The stored message with further delivery annotations (encoded values by name), in their place."""
    added = [part for name, value in annotations.items() for part in (symbol(name), value)]
    place = end = 0
    code, value = _descriptor(message, 0)
    if code == HEADER:
        place = end = skip(message, value)
        code, value = _descriptor(message, place)
    if code == DELIVERY_ANNOTATIONS:
        end = skip(message, value)
        added += [message[start:stop] for start, stop in items(message, value)]
    return message[:place] + section(DELIVERY_ANNOTATIONS, mapping(added)) + message[end:]
