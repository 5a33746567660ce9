"""Many new items of one logical partition in one statement: the batch that an event store sends.

Batches are most of what the server is asked to do, so this is written for speed: everything is checked for all items
at once, and what is wrong with which of them is left to `Writes.create`, one after the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from localazure.cosmos.requests.writes import Writes
from localazure.cosmos.storage import charges, document
from localazure.cosmos.storage.resource import are_item_ids
from localazure.cosmos.storage.rid import item_rids
from localazure.cosmos.storage.store import LINEAGE_MASK

_COLUMNS = "position, container, epk, id, number, ts, expires, body"
_FIRST = 5
"""Parameters that all rows share; then three for each: id, time of expiry, text."""
_ROW = "(?1+{place},?2,?3,?{id},?4+{place},?5,nullif(?{expires},0),?{body})"

_BARE = b'{"statusCode":201,"requestCharge":%.2f,"eTag":"\\"%x\\""}'
_RESULT = b'{"statusCode":201,"requestCharge":%.2f,"eTag":"\\"%x\\"","resourceBody":%s}'


class Refused(Exception):
    """One of many new items is wrong, or collides with what is there."""


def create_all(writes: Writes, items: Sequence[Any], *, minimal: bool) -> tuple[bytes, float]:
    """Store new items, or raise `Refused` without saying which of them is the reason.

    The results of the batch, a JSON array, and its charge; `minimal` leaves the items out of the results.
    """
    container, key, ts = writes.container, writes.key, writes.now
    if set(map(type, items)) != {dict}:
        raise Refused
    ids = [item.get("id") for item in items]
    if not are_item_ids(ids) or not container.key.match_all(items, key):
        raise Refused
    number, position = writes.take(len(items))
    expires, link, mark = container.default_ttl is not None, container.item_link, position & LINEAGE_MASK
    row: list[Any] = [position, container.number, key.position, number, ts]
    raws = [document.own_text(item) for item in items]
    rids = item_rids(container.rid_bytes, number, len(items))
    results, total = [], 0.0
    for item, item_id, raw, rid, terms in zip(items, ids, raws, rids, container.indexing.terms_of(items), strict=True):
        body = document.TEXT % (raw[:-1], rid, link, rid, mark, ts)
        charge = charges.create(len(body), terms)
        row += (item_id, writes.expiry(item) if expires or "ttl" in item else 0, body)
        results.append(_BARE % (charge, mark) if minimal else _RESULT % (charge, mark, body))
        total += charge
        mark += 1
    _store(writes, items, row)
    return b"[%s]" % b",".join(results), total


def _store(writes: Writes, items: Sequence[dict[str, Any]], row: Sequence[Any]) -> None:
    position, number, bodies = row[0], row[3], row[_FIRST + 2 :: 3]
    try:
        writes.store.write(_insert(len(items)), row)
        if writes.unique:
            writes.unique.claim_all(items, range(number, number + len(items)))
    except sqlite3.IntegrityError as error:
        raise Refused from error
    if writes.versions:
        for place, body in enumerate(bodies, position):
            writes.versions.created(place, writes.now, body)


@lru_cache(maxsize=100)
def _insert(count: int) -> str:
    """The statement for `count` rows: what they share is bound once, what counts up is counted by SQLite.

    ROLLBACK spares SQLite from being able to take back this statement alone inside a transaction.
    """
    own = [_FIRST + 1 + 3 * n for n in range(count)]  # SQLite counts parameters from 1
    rows = [_ROW.format(place=n, id=first, expires=first + 1, body=first + 2) for n, first in enumerate(own)]
    return f"INSERT OR ROLLBACK INTO items ({_COLUMNS}) VALUES {','.join(rows)}"  # noqa: S608
