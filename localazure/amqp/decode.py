"""Bytes to AMQP 1.0 values (AMQP 1.0 part 1, section 1.6).

The upper half of a constructor byte gives the width of what follows, so any value can be skipped without
understanding it: 4 nothing, 5 one byte, 6 two, 7 four, 8 eight, 9 sixteen, A/C/E a one-byte size, B/D/F a four-byte
size; 0 is a descriptor followed by its value.

    null None, boolean bool, integers and timestamps int, float and double float, uuid UUID, binary bytes,
    string str, symbol Symbol, list and array list, map dict, described Described, the rest raw bytes
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from localazure.amqp.errors import MalformedValue

Buffer: TypeAlias = bytes | bytearray | memoryview
Span: TypeAlias = tuple[int, int]

_SMALL, _LARGE, _INVALID = -1, -4, -9
_WIDTHS = (*[_INVALID] * 4, 0, 1, 2, 4, 8, 16, *[_SMALL, _LARGE] * 3)
"""By a constructor's upper half: the width of its content, or how its size is written."""

_MAX_DEPTH = 32


class Symbol(str):
    """A name from a constrained domain; on the wire a type of its own."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Described:
    """A value with a descriptor: a ulong code or a symbol."""

    descriptor: object
    value: object


def content(buffer: Buffer, position: int) -> tuple[int, int, int]:
    """Constructor, start and end of the content of the primitive value at `position`.

    A compound's content starts after its size, at its count. Raises MalformedValue when it runs over the end.
    """
    try:
        code = buffer[position]
        width = _WIDTHS[code >> 4]
        if width >= 0:
            start = position + 1
            end = start + width
        elif width == _SMALL:
            start = position + 2
            end = start + buffer[position + 1]
        elif width == _LARGE:
            start = position + 5
            end = start + int.from_bytes(buffer[position + 1 : start], "big")
        else:
            raise MalformedValue(f"{code:#04x} at byte {position} is no AMQP constructor")
    except IndexError:
        raise MalformedValue(f"the value at byte {position} is cut off") from None
    if end > len(buffer):
        raise MalformedValue(f"the value at byte {position} needs {end - len(buffer)} bytes more than there are")
    return code, start, end


def skip(buffer: Buffer, position: int) -> int:
    """Where the value at `position` ends, whatever it is."""
    pending = 1
    while pending:
        if position < len(buffer) and buffer[position] == 0:
            position += 1
            pending += 1
        else:
            position = content(buffer, position)[2]
            pending -= 1
    return position


def items(buffer: Buffer, position: int) -> list[Span]:
    """The spans of the items of the list or map (keys and values in turn) at `position`."""
    code, start, end = content(buffer, position)
    if code == 0x45:
        return []
    if code not in (0xC0, 0xC1, 0xD0, 0xD1):
        raise MalformedValue(f"{code:#04x} at byte {position} is neither a list nor a map")
    width = 1 if code < 0xD0 else 4
    count = int.from_bytes(buffer[start : start + width], "big")
    cursor = start + width
    if count > end - cursor:
        raise MalformedValue(f"the compound at byte {position} counts {count} items in {end - cursor} bytes")
    spans: list[Span] = []
    for _ in range(count):
        after = skip(buffer, cursor)
        spans.append((cursor, after))
        cursor = after
    if cursor != end:
        raise MalformedValue(f"the compound at byte {position} does not end where its size says")
    return spans


def decode(buffer: Buffer, position: int = 0, depth: int = 0) -> tuple[object, int]:
    """The value at `position` and where it ends."""
    if depth > _MAX_DEPTH:
        raise MalformedValue(f"values nested more than {_MAX_DEPTH} deep")
    if position < len(buffer) and buffer[position] == 0:
        descriptor, position = decode(buffer, position + 1, depth + 1)
        value, position = decode(buffer, position, depth + 1)
        return Described(descriptor, value), position
    code, start, end = content(buffer, position)
    family = code >> 4
    if family in (0xC, 0xD) or code == 0x45:
        return _compound(buffer, position, code, depth), end
    if family in (0xE, 0xF):
        return _array(buffer, code, start, end, depth), end
    return _scalar(code, bytes(buffer[start:end])), end


def _compound(buffer: Buffer, position: int, code: int, depth: int) -> object:
    values = [decode(buffer, start, depth + 1)[0] for start, _ in items(buffer, position)]
    if code not in (0xC1, 0xD1):
        return values
    if len(values) % 2:
        raise MalformedValue(f"the map at byte {position} has a key without a value")
    try:
        return dict(zip(values[::2], values[1::2], strict=True))
    except TypeError:
        raise MalformedValue(f"the map at byte {position} has a compound as a key") from None


def _array(buffer: Buffer, code: int, start: int, end: int, depth: int) -> list[object]:
    width = 1 if code == 0xE0 else 4
    count = int.from_bytes(buffer[start : start + width], "big")
    cursor = start + width
    if count == 0:
        return []
    after = cursor + 1
    if cursor < end and buffer[cursor] == 0:
        after = skip(buffer, cursor + 1) + 1
    constructor = bytes(buffer[cursor:after])
    if count > end - cursor:
        raise MalformedValue(f"the array before byte {end} counts more items than it has bytes")
    values: list[object] = []
    for _ in range(count):
        item = constructor + bytes(buffer[after:end])
        value, used = decode(item, 0, depth + 1)
        values.append(value)
        after += used - len(constructor)
    return values


def _unpack(layout: str) -> Callable[[bytes], object]:
    packed = struct.Struct(layout)
    return lambda raw: packed.unpack(raw)[0]


def _text(raw: bytes) -> object:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedValue("a string is not UTF-8") from None


def _symbol(raw: bytes) -> object:
    return Symbol(raw.decode("latin-1"))


def _unsigned(raw: bytes) -> object:
    return int.from_bytes(raw, "big")


def _signed(raw: bytes) -> object:
    return int.from_bytes(raw, "big", signed=True)


_SCALARS: dict[int, Callable[[bytes], object]] = {
    0x40: lambda _: None,
    0x41: lambda _: True,
    0x42: lambda _: False,
    0x56: lambda raw: raw != b"\0",
    **dict.fromkeys((0x43, 0x44, 0x50, 0x52, 0x53, 0x60, 0x70, 0x80), _unsigned),
    **dict.fromkeys((0x51, 0x54, 0x55, 0x61, 0x71, 0x81, 0x83), _signed),
    0x72: _unpack(">f"),
    0x82: _unpack(">d"),
    0x98: lambda raw: UUID(bytes=raw),
    0xA1: _text,
    0xB1: _text,
    0xA3: _symbol,
    0xB3: _symbol,
}


def _scalar(code: int, raw: bytes) -> object:
    # Binary, and what the server has no use for (char, decimals), stay bytes.
    return _SCALARS.get(code, bytes)(raw)
