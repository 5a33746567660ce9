"""One page of results under its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from localazure.cosmos.storage.continuation import Continuation
from localazure.cosmos.storage.limits import RESPONSE_BYTES


@dataclass(slots=True)
class Page:
    """Rows as JSON text, at most `limit` of them and at most 4 MB (but always one)."""

    DEFAULT: ClassVar[int] = 100
    UNBOUNDED: ClassVar[int] = 10_000

    limit: int
    rows: list[bytes] = field(default_factory=list)
    size: int = 0
    scanned: int = 0
    """Items that were looked at."""
    loaded: int = 0
    """Their bytes."""
    continuation: Continuation | None = None

    @property
    def count(self) -> int:
        """How many rows the page has."""
        return len(self.rows)

    def add(self, row: bytes) -> bool:
        """Take a row, unless the page is full."""
        if self.rows and (len(self.rows) >= self.limit or self.size + len(row) > RESPONSE_BYTES):
            return False
        self.rows.append(row)
        self.size += len(row)
        return True
