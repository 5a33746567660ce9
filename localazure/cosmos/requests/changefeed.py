"""The change feed: what happened in a physical partition, in the order of its LSNs.

A position is an LSN. A page ends only between two transactions, and its etag is the LSN of its last one; after a
split the children answer from the parent's LSNs, so a position never loses its meaning.
"""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterable
from email.utils import parsedate
from typing import Any

from localazure.cosmos.protocol.errors import BadRequest
from localazure.cosmos.protocol.message import Response
from localazure.cosmos.requests.call import RANGE_HEADER, Call
from localazure.cosmos.storage import charges
from localazure.cosmos.storage.catalog import Catalog
from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.document import with_lsn
from localazure.cosmos.storage.limits import RESPONSE_BYTES
from localazure.cosmos.storage.partitions import Partition
from localazure.cosmos.storage.store import PARTITION_SHIFT, PLACE_BITS, Store, lsn_of
from localazure.cosmos.storage.versions import CREATE, EXPIRE

_DEFAULT_PAGE = 100
_NO_LIMIT = 1_000


class ChangeFeed:
    """Reads pages of changes from the store."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def handle(self, call: Call, container: Container) -> Response:
        """Answer one page; 304 when there is nothing new."""
        is_full = call.header("a-im").lower() == "full-fidelity feed"
        if is_full:
            if not call.header("if-none-match"):
                raise BadRequest("A change feed of all versions cannot be read from the beginning; start it from now.")
            self._catalog.keep_versions(container)
        with self._store.lock:
            # Partition and rows under one lock: a split in between would leave a dead partition with no rows, and an
            # empty page whose position is behind what was never delivered.
            partition, low, high = _span(call, container)
            call.at(partition)
            start, since = _start(call)
            last = call.last_lsn
            table = "versions" if is_full else call.items
            rows = self._rows(partition, table, (start, last), since, _page_size(call), (low, high))
        call.charge = charges.FEED_BASE
        if not rows:
            return Response(304, b"", {"etag": f'"{max(start, last)}"'})
        documents = [_version(row) if is_full else with_lsn(row[1], lsn_of(row[0])) for row in rows]
        body = b'{"_rid":"%s","Documents":[%s],"_count":%d}' % (
            container.rid.encode(),
            b",".join(documents),
            len(documents),
        )
        call.charge = charges.feed(len(body))
        return Response(200, body, {"etag": f'"{lsn_of(rows[-1][0])}"', "x-ms-item-count": str(len(documents))})

    def _rows(
        self,
        partition: Partition,
        table: str,
        lsns: tuple[int, int],
        since: int,
        count: int,
        span: tuple[str, str],
    ) -> list[Any]:
        """Whole transactions after one LSN and up to another: at most `count` rows, but at least one transaction."""
        base = partition.number << PARTITION_SHIFT
        columns = "position, current, old, operation, ts, previous" if table == "versions" else "position, body"
        statement = f"SELECT {columns} FROM {table} WHERE position >= ? AND position < ?"  # noqa: S608
        parameters: list[Any] = [base | (lsn + 1) << PLACE_BITS for lsn in lsns]
        if span != (partition.low, partition.high):
            statement += " AND +epk >= ? AND +epk < ?"
            parameters += span
        if since:
            statement += " AND ts >= ?"
            parameters.append(since)
        cursor = self._store.execute(f"{statement} ORDER BY position", parameters)
        try:
            return _whole_transactions(cursor, count)
        finally:
            cursor.close()


def _whole_transactions(rows: Iterable[Any], count: int) -> list[Any]:
    """Rows up to the limits of a page, ending where a transaction ends."""
    page: list[Any] = []
    size = whole = 0
    last = -1
    for row in rows:
        transaction = row[0] >> PLACE_BITS
        if transaction != last:
            if whole and (len(page) > count or size > RESPONSE_BYTES):
                return page[:whole]
            whole, last = len(page), transaction
            if len(page) >= count:
                return page
        page.append(row)
        size += len(row[1] or b"")
    is_over = len(page) > count or size > RESPONSE_BYTES
    return page[:whole] if is_over and whole else page


def _span(call: Call, container: Container) -> tuple[Partition, str, str]:
    """The physical partition and the part of it that is asked for."""
    range_id = call.header(RANGE_HEADER)
    low, high = call.header("x-ms-start-epk"), call.header("x-ms-end-epk")
    if range_id:
        partition = container.partitions.get(range_id)
        if call.header("x-ms-read-key-type").lower() != "effectivepartitionkeyrange" or not high:
            return partition, partition.low, partition.high
        return partition, max(low, partition.low), min(_inclusive(low, high), partition.high)
    key = call.key_or_none(container)
    if key is None:
        partition = container.partitions.alive[0]
        if len(container.partitions.alive) > 1:
            raise BadRequest("A change feed request names a partition key range, or a partition key.")
        return partition, partition.low, partition.high
    partition = container.partitions.at(key.position)
    return partition, key.position, key.upper if key.is_prefix else key.position + "\0"


def _inclusive(low: str, high: str) -> str:
    """One logical partition arrives as a range whose ends are equal."""
    return high + "\0" if low == high else high


def _start(call: Call) -> tuple[int, int]:
    """The LSN to read after, and the earliest time stamp."""
    text = call.header("if-none-match").strip()
    modified = call.header("if-modified-since")
    since = 0
    if modified:
        parsed = parsedate(modified)
        if parsed is None:
            raise BadRequest(f"The If-Modified-Since header '{modified}' is not a date.")
        since = timegm(parsed)
    if not text:
        return 0, since
    if text == "*":
        return call.last_lsn, since
    digits = text.strip('"')
    if not digits.isdigit():
        raise BadRequest(f"The change feed position '{text}' is invalid; it is a quoted LSN.")
    return int(digits), since


def _page_size(call: Call) -> int:
    text = call.header("x-ms-max-item-count")
    if not text:
        return _DEFAULT_PAGE
    size = int(text) if text.lstrip("-").isdigit() else 0
    if size == -1:
        return _NO_LIMIT
    if size <= 0:
        raise BadRequest(f"The page size '{text}' is invalid.")
    return size


def _version(row: Any) -> bytes:
    """One entry of a feed of all versions."""
    position, current, old, operation, ts, previous = row
    kind = "delete" if operation == EXPIRE else operation
    metadata = f'"operationType":"{kind}","lsn":{lsn_of(position)},"crts":{ts}'
    if operation != CREATE:
        metadata += f',"previousImageLSN":{lsn_of(previous)}'
    if operation == EXPIRE:
        metadata += ',"timeToLiveExpired":true'
    before = b',"previous":%s' % old if current is None and old else b""
    return b'{"current":%s%s,"metadata":{%s}}' % (current or b"{}", before, metadata.encode())
