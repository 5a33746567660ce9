"""Many new items of one logical partition in one statement: the batch that an event store sends.

Batches are most of what the server is asked to do, so this is written for speed: everything is checked for all items
at once, and what is wrong with which of them is left to `Writes.create`, one after the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from devkit.cosmos import charges, document
from devkit.cosmos.resource import MAX_ITEM_ID_LENGTH, are_ids
from devkit.cosmos.stored import Outcome
from devkit.cosmos.writes import Writes

_COLUMNS = "position, container, epk, id, number, ts, expires, body"
_ROW = "(?1+{place},?2,?3,?{id},?4+{place},?5,nullif(?{expires},0),?{body})"


class Refused(Exception):
    """One of many new items is wrong, or collides with what is there."""


def create_all(writes: Writes, items: Sequence[Any]) -> list[Outcome]:
    """Store new items, or raise `Refused` without saying which of them is the reason."""
    container, key, ts = writes.container, writes.key, writes.now
    if set(map(type, items)) != {dict}:
        raise Refused
    ids = [item.get("id") for item in items]
    if not are_ids(ids, MAX_ITEM_ID_LENGTH) or not container.key.match_all(items, key):
        raise Refused
    number, position = writes.take(len(items))
    expires = container.default_ttl is not None
    row: list[Any] = [position, container.number, key.position, number, ts]
    raws = [document.own_text(item) for item in items]
    outcomes = []
    for item, item_id, raw, terms in zip(items, ids, raws, container.indexing.terms_of(items), strict=True):
        etag = document.etag(position)
        body = document.compose(container, raw, number, etag, ts)
        row += (item_id, writes.expiry(item) if expires or "ttl" in item else 0, body)
        outcomes.append(Outcome(201, body, etag, charges.create(len(body), terms), number))
        number += 1
        position += 1
    _store(writes, items, outcomes, row)
    return outcomes


def _store(writes: Writes, items: Sequence[dict[str, Any]], outcomes: Sequence[Outcome], row: Sequence[Any]) -> None:
    try:
        writes.store.write(_insert(len(items)), row)
        if writes.unique:
            writes.unique.claim_all(items, [outcome.number for outcome in outcomes])
    except sqlite3.IntegrityError as error:
        raise Refused from error
    if writes.versions:
        for position, outcome in enumerate(outcomes, row[0]):
            writes.versions.created(position, writes.now, outcome.body)


@lru_cache(maxsize=100)
def _insert(count: int) -> str:
    """The statement for `count` rows: what they share is bound once, what counts up is counted by SQLite.

    FAIL spares SQLite from being able to take back this statement alone; `Refused` takes back the transaction.
    """
    rows = [_ROW.format(place=n, id=6 + 3 * n, expires=7 + 3 * n, body=8 + 3 * n) for n in range(count)]
    return f"INSERT OR FAIL INTO items ({_COLUMNS}) VALUES {','.join(rows)}"  # noqa: S608
