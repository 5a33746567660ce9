"""The text of an item: what the client sent, in the form that is kept, with the system properties spliced in."""

from __future__ import annotations

from itertools import chain
from typing import Any

import orjson

from localazure.cosmos.protocol.errors import BadRequest, TooLarge
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.doubles import doubles
from localazure.cosmos.storage.limits import ITEM_BYTES, NESTING
from localazure.cosmos.storage.rid import item_rid
from localazure.cosmos.storage.store import LINEAGE_MASK

SYSTEM_PROPERTIES = frozenset({"_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"})
_NESTED = frozenset({dict, list})
_STRICT = orjson.OPT_STRICT_INTEGER


def parse(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """The item a client sent, and its text; see `own_text`."""
    if len(raw) > ITEM_BYTES:
        raise TooLarge(f"Request size is too large: {len(raw)} bytes; an item may have up to {ITEM_BYTES}.")
    try:
        item = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not JSON: {error}") from error
    if not isinstance(item, dict):
        raise BadRequest("The request body must be a JSON object.")
    return item, own_text(item)


def own_text(item: dict[str, Any]) -> bytes:
    """The text of an item as it is kept; `item` loses the system properties, and its numbers become doubles."""
    if not SYSTEM_PROPERTIES.isdisjoint(item):
        for name in SYSTEM_PROPERTIES:
            item.pop(name, None)
    try:
        # Looks for whole numbers that may not be doubles, and costs nothing where there are none.
        text = orjson.dumps(item, option=_STRICT)
    except orjson.JSONEncodeError:
        _check_nesting(item)
        text = orjson.dumps(doubles(item))
    if len(text) > 2 * NESTING and text.count(b"{") + text.count(b"[") > NESTING:
        _check_nesting(item)
    return text


def _check_nesting(item: dict[str, Any]) -> None:
    level: list[Any] = [item]
    for _ in range(NESTING + 1):
        members = chain.from_iterable(value.values() if type(value) is dict else value for value in level)
        level = [member for member in members if type(member) in _NESTED]
        if not level:
            return
    raise BadRequest(
        "The request payload is invalid. Ensure to provide a valid request payload. "
        f"The item is nested deeper than {NESTING} levels."
    )


def etag(position: int) -> str:
    """The etag of one version of an item: its place in the log, which a split does not change."""
    return '"%x"' % (position & LINEAGE_MASK)  # half the time of an f-string


def compose(container: Container, raw: bytes, number: int, position: int, ts: int) -> bytearray:
    """The stored and answered text of the item with this number, written at a position.

    A bytearray, because the database's driver looks for an adapter of bytes at every call.
    """
    rid = item_rid(container.rid_bytes, number)
    parts = raw[:-1], rid, container.item_link, rid, position & LINEAGE_MASK, ts
    return TEXT % parts  # type: ignore[return-value]  # a bytearray makes a bytearray


TEXT = bytearray(b'%s,"_rid":"%s%s%s/","_etag":"\\"%x\\"","_attachments":"attachments/","_ts":%d}')
"""Of the client's text without its last brace, resource id, link, resource id again, etag, time stamp."""


def with_lsn(body: bytes, lsn: int) -> bytes:
    """The text as the change feed shows it."""
    return b'%s,"_lsn":%d}' % (body[:-1], lsn)
