"""Which partition a partition key belongs to.

Bob Jenkins' lookup3 (public domain, https://burtleburtle.net/bob/c/lookup3.c, `hashlittle2` with both seeds zero) over
the key's UTF-8 bytes; the two halves, combined and cut to a signed 16-bit number, pick the partition. This is the
rule that azure-eventhub's buffered producer applies on its own, so both ways to send agree.
"""

from __future__ import annotations

import struct

_MASK = 0xFFFFFFFF
_SEED = 0xDEADBEEF


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & _MASK) ^ _rotate(c, bits)
        c = (c + b) & _MASK
        a, b, c = b, c, a
    return a, b, c


def _final(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _rotate(b, bits)) & _MASK
        a, b, c = b, c, a
    # Seven turns of three registers end one step off: c was changed last and now stands in b's place.
    return c, a, b


def _lookup3(data: bytes) -> tuple[int, int]:
    a = b = c = (_SEED + len(data)) & _MASK
    if not data:
        return c, b
    position = 0
    while len(data) - position > 12:
        x, y, z = struct.unpack_from("<III", data, position)
        a, b, c = _mix((a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK)
        position += 12
    x, y, z = struct.unpack("<III", data[position:].ljust(12, b"\0"))
    _, b, c = _final((a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK)
    return c, b


def partition_of(key: str, partitions: int) -> int:
    """The number of the partition, 0 to `partitions` - 1, that holds all events of `key`."""
    c, b = _lookup3(key.encode())
    (code,) = struct.unpack(">h", ((c ^ b) & 0xFFFF).to_bytes(2, "big"))
    return abs(int(code) % partitions)
