"""All versions of a container's items, deletions included: the source of the change feed in that mode.

Such a feed can only start "now", so versions are kept from the moment the first reader appears.
"""

from __future__ import annotations

from localazure.cosmos.storage.container import Container
from localazure.cosmos.storage.partition_key import PartitionKeyValue
from localazure.cosmos.storage.store import Store

CREATE, REPLACE, DELETE, EXPIRE = "create", "replace", "delete", "expire"


class Versions:
    """Records the versions of one logical partition."""

    def __init__(self, store: Store, container: Container, key: PartitionKeyValue) -> None:
        self._store = store
        self._where = (container.number, key.position)

    def created(self, position: int, ts: int, body: bytes | bytearray) -> None:
        """A new item."""
        self._record(position, CREATE, ts, None, body, None)

    def replaced(self, position: int, ts: int, previous: int, body: bytes | bytearray, old: bytes) -> None:
        """A new version of an item."""
        self._record(position, REPLACE, ts, previous, body, old)

    def deleted(self, position: int, ts: int, previous: int, old: bytes, *, is_expiry: bool) -> None:
        """An item removed, by a client or by its time to live."""
        self._record(position, EXPIRE if is_expiry else DELETE, ts, previous, None, old)

    def _record(
        self,
        position: int,
        operation: str,
        ts: int,
        previous: int | None,
        current: bytes | bytearray | None,
        old: bytes | None,
    ) -> None:
        self._store.execute(
            "INSERT INTO versions (position, container, epk, operation, ts, previous, current, old) "
            "VALUES (?,?,?,?,?,?,?,?)",
            (position, *self._where, operation, ts, previous, current, old),
        )
