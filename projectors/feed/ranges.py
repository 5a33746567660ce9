"""Ranges of the feed: spans of hashed partition keys, each of which one lease reads."""

from dataclasses import dataclass
from typing import Any

from azure.cosmos import PartitionKey

from eventstore.cosmos.containers import EVENTS

_STREAM_KEY = PartitionKey(path=EVENTS.partition_key)


@dataclass(frozen=True, slots=True, order=True)
class FeedRange:
    """Effective partition keys from `min` (inclusive) to `max` (exclusive), upper-case hex; "" to "FF" is all."""

    min: str
    max: str

    @property
    def id(self) -> str:
        """A name fit for a document id."""
        return f"{self.min or '00'}-{self.max}"

    @classmethod
    def from_id(cls, text: str) -> "FeedRange":
        """The range of such a name."""
        least, _, most = text.partition("-")
        return cls("" if least == "00" else least, most)

    def covers(self, other: "FeedRange") -> bool:
        """Whether all of `other` lies in this range."""
        return self.min <= other.min and other.max <= self.max

    def clip(self, other: "FeedRange") -> "FeedRange":
        """The part of `other` that lies in this range."""
        return FeedRange(max(self.min, other.min), min(self.max, other.max))

    def holds(self, key: str) -> bool:
        """Whether the effective partition key lies in this range."""
        return self.min <= key < self.max

    def document(self) -> dict[str, Any]:
        """As the SDK writes a range."""
        return {"min": self.min, "max": self.max, "isMinInclusive": True, "isMaxInclusive": False}


def effective_key(stream: str) -> str:
    """Where a stream lies among the ranges: its effective partition key (the SDK's own hash, version 2)."""
    return str(_STREAM_KEY._get_epk_range_for_partition_key(stream).min)
