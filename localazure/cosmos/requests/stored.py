"""What one operation on an item starts from, asks for, and gives back."""

from __future__ import annotations

from dataclasses import dataclass

from localazure.cosmos.protocol.errors import PreconditionFailed
from localazure.cosmos.storage import document


@dataclass(slots=True)
class Outcome:
    """What one operation gives back."""

    status: int
    body: bytes | bytearray
    etag: str
    charge: float
    number: int


@dataclass(slots=True)
class Stored:
    """One row."""

    position: int
    number: int
    ts: int
    body: bytes

    @property
    def etag(self) -> str:
        """The version's etag."""
        return document.etag(self.position)


@dataclass(slots=True)
class Conditions:
    """If-Match and If-None-Match of an operation; empty when not given."""

    if_match: str = ""
    if_none_match: str = ""

    def check(self, stored: Stored) -> None:
        """Raise `PreconditionFailed` when the stored version is not the expected one."""
        if self.if_match and self.if_match not in ("*", stored.etag):
            raise PreconditionFailed("One of the specified pre-condition is not met: the item has another etag.")
        if self.if_none_match and self.if_none_match in ("*", stored.etag):
            raise PreconditionFailed("One of the specified pre-condition is not met: the item has this etag.")


ALWAYS = Conditions()
