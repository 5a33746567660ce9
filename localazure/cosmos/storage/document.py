"""The text of an item: what the client sent, with the system properties spliced in. Nothing is encoded twice."""

from __future__ import annotations

from typing import Any

import orjson

from localazure.cosmos.protocol.errors import BadRequest, TooLarge
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.rid import item_rid
from localazure.cosmos.storage.store import LINEAGE_MASK

MAX_ITEM_SIZE = 2 * 1024 * 1024
SYSTEM_PROPERTIES = frozenset({"_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"})


def parse(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """The item a client sent, and its JSON text without system properties, ending in a brace with no blank before."""
    if len(raw) > MAX_ITEM_SIZE:
        raise TooLarge(f"Request size is too large: {len(raw)} bytes; an item may have up to {MAX_ITEM_SIZE}.")
    try:
        item = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not JSON: {error}") from error
    if not isinstance(item, dict):
        raise BadRequest("The request body must be a JSON object.")
    raw = raw.strip()
    is_own = SYSTEM_PROPERTIES.isdisjoint(item) and not raw[-2:-1].isspace()
    return item, raw if is_own else own_text(item)


def own_text(item: dict[str, Any]) -> bytes:
    """The text of an item that is at hand as an object; `item` loses the system properties."""
    if not SYSTEM_PROPERTIES.isdisjoint(item):
        for name in SYSTEM_PROPERTIES:
            item.pop(name, None)
    return orjson.dumps(item)


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
