"""MurmurHash3 on plain integers: the two variants that partition keys are hashed with.

The algorithm is Austin Appleby's public-domain MurmurHash3 (x86_32 and x64_128).
"""

from __future__ import annotations

import struct

_M32 = 0xFFFFFFFF
_M64 = 0xFFFFFFFFFFFFFFFF
_C1 = 0x87C37B91114253D5
_C2 = 0x4CF5AD432745937F


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """The 32-bit hash of `data` as an unsigned integer."""
    h = seed
    whole = len(data) & ~3
    for (k,) in struct.iter_unpack("<I", data[:whole]):
        h ^= _scramble32(k)
        h = ((h << 13) | (h >> 19)) & _M32
        h = (h * 5 + 0xE6546B64) & _M32
    if whole != len(data):
        h ^= _scramble32(int.from_bytes(data[whole:], "little"))
    h ^= len(data)
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & _M32
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & _M32
    return h ^ (h >> 16)


def murmur3_128(data: bytes) -> int:
    """The 128-bit hash of `data` with seed 0; the second half of the state is the upper 64 bits."""
    h1 = h2 = 0
    whole = len(data) & ~15
    for k1, k2 in struct.iter_unpack("<QQ", data[:whole]):
        h1 ^= _first64(k1)
        h1 = (_rotate64(h1, 27) + h2) & _M64
        h1 = (h1 * 5 + 0x52DCE729) & _M64
        h2 ^= _second64(k2)
        h2 = (_rotate64(h2, 31) + h1) & _M64
        h2 = (h2 * 5 + 0x38495AB5) & _M64
    tail = data[whole:]
    if len(tail) > 8:
        h2 ^= _second64(int.from_bytes(tail[8:], "little"))
    if tail:
        h1 ^= _first64(int.from_bytes(tail[:8], "little"))
    h1 ^= len(data)
    h2 ^= len(data)
    h1 = (h1 + h2) & _M64
    h2 = (h2 + h1) & _M64
    h1, h2 = _mix64(h1), _mix64(h2)
    h1 = (h1 + h2) & _M64
    h2 = (h2 + h1) & _M64
    return (h2 << 64) | h1


def _scramble32(k: int) -> int:
    k = (k * 0xCC9E2D51) & _M32
    k = ((k << 15) | (k >> 17)) & _M32
    return (k * 0x1B873593) & _M32


def _rotate64(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _M64


def _first64(k: int) -> int:
    return (_rotate64((k * _C1) & _M64, 31) * _C2) & _M64


def _second64(k: int) -> int:
    return (_rotate64((k * _C2) & _M64, 33) * _C1) & _M64


def _mix64(h: int) -> int:
    h = ((h ^ (h >> 33)) * 0xFF51AFD7ED558CCD) & _M64
    h = ((h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53) & _M64
    return h ^ (h >> 33)
