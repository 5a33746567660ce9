"""Resource ids: base64 with `/` written as `-`; a database has 4 bytes, a container 8, an item 16."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

_CONTAINER_BIT = 0x80000000
_DATABASE_LENGTH, _CONTAINER_LENGTH, _ITEM_LENGTH = 4, 8, 16


def database_rid(number: int) -> bytes:
    """The id of the database with this storage number."""
    return (0x54000000 | number).to_bytes(4, "big")


def container_rid(database: bytes, number: int) -> bytes:
    """The id of the container with this storage number."""
    return database + (_CONTAINER_BIT | number).to_bytes(4, "big")


def item_rid(container: bytes, number: int) -> bytes:
    """The text of an item's id, in ASCII: 15 bytes that 256 items have in common, and one of its own."""
    return _block(container, number >> 8) + _LAST[number & 0xFF]


def item_rids(container: bytes, first: int, count: int) -> list[bytes]:
    """The texts of the ids of items that are numbered one after the other."""
    if (first & 0xFF) + count > 0x100:
        return [item_rid(container, number) for number in range(first, first + count)]
    block, last = _block(container, first >> 8), first & 0xFF
    return [block + text for text in _LAST[last : last + count]]


def _text(raw: bytes) -> bytes:
    return binascii.b2a_base64(raw, newline=False).replace(b"/", b"-")


_LAST = [_text(bytes([last])) for last in range(256)]


@lru_cache(maxsize=1024)
def _block(container: bytes, block: int) -> bytes:
    return _text(container + block.to_bytes(7, "big"))


def item_number(text: str) -> int | None:
    """The number inside an item's id; None when the text is not one."""
    raw = decode(text)
    return int.from_bytes(raw[8:], "big") if raw is not None and len(raw) == _ITEM_LENGTH else None


def encode(raw: bytes) -> str:
    """The text of an id."""
    return base64.b64encode(raw, b"+-").decode()


def decode(text: str) -> bytes | None:
    """The bytes of an id; None when the text is not one."""
    try:
        return base64.b64decode(text, b"+-", validate=True)
    except (binascii.Error, ValueError):
        return None
