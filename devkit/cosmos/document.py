"""The text of an item: what the client sent, with the system properties spliced in. Nothing is encoded twice."""

from __future__ import annotations

from typing import Any

import orjson

from devkit.cosmos.container import Container
from devkit.cosmos.errors import BadRequest, TooLarge
from devkit.cosmos.rid import item_rid
from devkit.cosmos.store import LINEAGE_MASK

MAX_ITEM_SIZE = 2 * 1024 * 1024
SYSTEM_PROPERTIES = frozenset({"_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"})


def parse(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """The item a client sent, and its JSON text without system properties."""
    if len(raw) > MAX_ITEM_SIZE:
        raise TooLarge(f"Request size is too large: {len(raw)} bytes; an item may have up to {MAX_ITEM_SIZE}.")
    try:
        item = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not JSON: {error}") from error
    if not isinstance(item, dict):
        raise BadRequest("The request body must be a JSON object.")
    return item, raw.strip() if SYSTEM_PROPERTIES.isdisjoint(item) else own_text(item)


def own_text(item: dict[str, Any]) -> bytes:
    """The text of an item that is at hand as an object; `item` loses the system properties."""
    if not SYSTEM_PROPERTIES.isdisjoint(item):
        for name in SYSTEM_PROPERTIES:
            item.pop(name, None)
    return orjson.dumps(item)


def etag(number: int, position: int) -> str:
    """The etag of one version of an item: its number, and its place in the log, which a split does not change."""
    return f'"{number:x}-{position & LINEAGE_MASK:x}"'


def compose(container: Container, raw: bytes, number: int, mark: str, ts: int) -> bytes:
    """The stored and answered text of an item with the etag `mark`."""
    rid = item_rid(container.rid_bytes, number)
    system = (
        f',"_rid":"{rid}","_self":"{container.self_link}docs/{rid}/","_etag":"\\{mark[:-1]}\\"",'
        f'"_attachments":"attachments/","_ts":{ts}}}'
    )
    return raw[:-1].rstrip() + system.encode()


def with_lsn(body: bytes, lsn: int) -> bytes:
    """The text as the change feed shows it."""
    return b'%s,"_lsn":%d}' % (body[:-1], lsn)
