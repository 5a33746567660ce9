"""Effective partition keys: where in the space from "" to "FF" an item lives.

Three forms, as the SDKs compute them too (they route feed ranges and session tokens with the same functions):

    Hash, version 1     binary encoding of (32-bit hash, then the values cut to 100 characters)
    Hash, version 2     128-bit hash over all values, two top bits cleared, 32 hexadecimal digits
    MultiHash           one version 2 hash per level, joined; a prefix of the levels is a range [p, p + "FF")

A component is a JSON scalar, or `{}` for a value that is absent ("undefined").
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from localazure.cosmos.storage.hashing import murmur3_32, murmur3_128

LOWEST = ""
HIGHEST = "FF"

_UNDEFINED, _NULL, _FALSE, _TRUE, _NUMBER, _STRING = 0x00, 0x01, 0x02, 0x03, 0x05, 0x08
_V1_LENGTH = 100
_HIGH_BYTE = 0x3F
_HASHES = {1: 0xFFFFFFFF, 2: (_HIGH_BYTE + 1) << 120}
"""By hash version: the hash that is above all, as the service divides it."""


def hash_v1(components: Sequence[Any]) -> str:
    """Effective partition key of a version 1 hash definition."""
    cut = [value[:_V1_LENGTH] if isinstance(value, str) else value for value in components]
    digest = murmur3_32(b"".join(_hashed(value, b"\x00") for value in cut))
    return b"".join(_encoded(value) for value in (float(digest), *cut)).hex().upper()


def hash_v2(components: Sequence[Any]) -> str:
    """Effective partition key of a version 2 hash definition."""
    digest = murmur3_128(b"".join(_hashed(value, b"\xff") for value in components)).to_bytes(16, "big")
    return (bytes([digest[0] & _HIGH_BYTE]) + digest[1:]).hex().upper()


def multi_hash(components: Sequence[Any]) -> str:
    """Effective partition key of a hierarchical definition; with fewer levels, the prefix of all keys below."""
    return "".join(hash_v2([value]) for value in components)


def middle(low: str, high: str, version: int) -> str:
    """The point that halves `[low, high)` of the hashed space."""
    return _point((_hash_at(low, version) + _hash_at(high, version)) // 2, version)


def width(low: str, high: str, version: int) -> int:
    """How many hashes lie in `[low, high)`."""
    return _hash_at(high, version) - _hash_at(low, version)


def boundaries(count: int, version: int) -> list[str]:
    """The inner boundaries that cut the hashed space into `count` equal ranges."""
    step = _HASHES[version] // count
    return [_point(step * n, version) for n in range(1, count)]


def _point(digest: int, version: int) -> str:
    """Where the keys with this hash begin."""
    return _encoded(float(digest)).hex().upper() if version == 1 else f"{digest:032X}"


def _hash_at(point: str, version: int) -> int:
    """The first hash at or behind a point."""
    if point == HIGHEST:
        return _HASHES[version]
    if version == 1:
        return bisect_left(range(_HASHES[version]), point, key=lambda digest: _point(digest, version))
    return int(point[:32].ljust(32, "0"), 16)


def _hashed(value: Any, end: bytes) -> bytes:
    """A component as the hash functions see it; `end` closes a string."""
    if value is None:
        return bytes([_NULL])
    if value is True or value is False:
        return bytes([_TRUE if value else _FALSE])
    if isinstance(value, str):
        return bytes([_STRING]) + value.encode("utf-8", "surrogatepass") + end
    if isinstance(value, int | float):
        return bytes([_NUMBER]) + struct.pack("<d", float(value))
    return bytes([_UNDEFINED])


def _encoded(value: Any) -> bytes:
    """A component in the order-preserving binary form of version 1."""
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        if len(text) <= _V1_LENGTH:
            return bytes([_STRING, *(byte + 1 for byte in text), 0])
        return bytes([_STRING, *(byte + 1 for byte in text[: _V1_LENGTH + 1])])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bytes([_NUMBER]) + _encoded_number(float(value))
    return _hashed(value, b"")


def _encoded_number(value: float) -> bytes:
    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    sign = 1 << 63
    payload = bits ^ sign if bits < sign else (~bits + 1) & (2 * sign - 1)
    out = bytearray([payload >> 56])
    payload = (payload << 8) & (2 * sign - 1)
    while payload:
        out.append((payload >> 56) | 1)
        payload = (payload << 7) & (2 * sign - 1)
    if len(out) > 1:
        out[-1] &= 0xFE
    else:
        out.append(0)
    return bytes(out)
