"""AMQP 1.0 values to bytes (AMQP 1.0 part 1, section 1.6): one function per type, each returning the encoded value.

Composites keep trailing nulls: azure-eventhub reads fields by position and fails on a shorter list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

NULL = b"\x40"
TRUE = b"\x41"
FALSE = b"\x42"


def boolean(value: bool) -> bytes:
    return TRUE if value else FALSE


def ubyte(value: int) -> bytes:
    return b"\x50" + value.to_bytes(1, "big")


def ushort(value: int) -> bytes:
    return b"\x60" + value.to_bytes(2, "big")


def uint(value: int) -> bytes:
    if value < 256:
        return b"\x52" + value.to_bytes(1, "big")
    return b"\x70" + value.to_bytes(4, "big")


def ulong(value: int) -> bytes:
    if value < 256:
        return b"\x53" + value.to_bytes(1, "big")
    return b"\x80" + value.to_bytes(8, "big")


def int32(value: int) -> bytes:
    return b"\x71" + value.to_bytes(4, "big", signed=True)


def long(value: int) -> bytes:
    return b"\x81" + value.to_bytes(8, "big", signed=True)


def timestamp(milliseconds: int) -> bytes:
    """Milliseconds since 1970, UTC."""
    return b"\x83" + milliseconds.to_bytes(8, "big", signed=True)


def _variable(small: int, large: int, raw: bytes) -> bytes:
    if len(raw) < 256:
        return bytes((small, len(raw))) + raw
    return bytes((large,)) + len(raw).to_bytes(4, "big") + raw


def binary(raw: bytes) -> bytes:
    return _variable(0xA0, 0xB0, raw)


def string(text: str) -> bytes:
    return _variable(0xA1, 0xB1, text.encode())


def symbol(text: str) -> bytes:
    return _variable(0xA3, 0xB3, text.encode("ascii"))


def _compound(small: int, large: int, count: int, body: bytes) -> bytes:
    if len(body) < 255 and count < 256:
        return bytes((small, len(body) + 1, count)) + body
    return bytes((large,)) + (len(body) + 4).to_bytes(4, "big") + count.to_bytes(4, "big") + body


def sequence(values: Sequence[bytes]) -> bytes:
    """A list of encoded values."""
    return _compound(0xC0, 0xD0, len(values), b"".join(values))


def mapping(pairs: Iterable[bytes]) -> bytes:
    """A map of encoded keys and values, in turn."""
    flat = list(pairs)
    return _compound(0xC1, 0xD1, len(flat), b"".join(flat))


def text_map(values: Mapping[str, bytes]) -> bytes:
    """A map with string keys and encoded values."""
    return mapping(part for key, value in values.items() for part in (string(key), value))


def symbol_array(names: Sequence[str]) -> bytes:
    return _array(0xB3, [name.encode("ascii") for name in names])


def string_array(texts: Sequence[str]) -> bytes:
    return _array(0xB1, [text.encode() for text in texts])


def _array(constructor: int, values: Sequence[bytes]) -> bytes:
    body = bytes((constructor,)) + b"".join(len(value).to_bytes(4, "big") + value for value in values)
    return b"\xf0" + (len(body) + 4).to_bytes(4, "big") + len(values).to_bytes(4, "big") + body


def composite(descriptor: int, fields: Sequence[bytes]) -> bytes:
    """A described list, the shape of every performative, terminus and outcome."""
    return b"\x00" + ulong(descriptor) + sequence(fields)


def section(descriptor: int, value: bytes) -> bytes:
    """A section of a message: descriptor and value."""
    return b"\x00\x53" + bytes((descriptor,)) + value
