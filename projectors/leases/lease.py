"""Who reads which range of the feed for a consumer, and how far it has come.

One document per physical range and consumer in the container `leases`, all of a consumer in one logical partition.
"""

from dataclasses import dataclass

from projectors.container import Document
from projectors.feed.ranges import FeedRange
from projectors.throughput.retries import NO_RETRIES, Retries, Sample


@dataclass(frozen=True, slots=True)
class Lease:
    """One range of one consumer.

    `lsn` is the position up to which everything is done, None before the first; `rid` the container it counts in.
    `ancestors` are the ids of the leases that this one was split from, nearest first. `expires` is in seconds since
    1970; `owner` is None or the token of the worker that holds it. `events` counts what was applied, `at` is when the
    newest of them was recorded, `head` the newest LSN seen in the range. `retries` are totals, and `marks` say what
    the totals were a while ago. `error` is why the range stands still, while it does.
    """

    consumer: str
    range: FeedRange
    rid: str
    etag: str
    lsn: int | None = None
    owner: str | None = None
    expires: float = 0.0
    ancestors: tuple[str, ...] = ()
    events: int = 0
    at: str | None = None
    head: int | None = None
    retries: Retries = NO_RETRIES
    marks: tuple[Sample, ...] = ()
    error: str | None = None

    @property
    def id(self) -> str:
        return self.range.id

    def free(self, now: float) -> bool:
        """Whether anybody may take it."""
        return self.owner is None or self.expires <= now

    def document(self) -> Document:
        return {
            "id": self.id,
            "consumer": self.consumer,
            "kind": "lease",
            "min": self.range.min,
            "max": self.range.max,
            "rid": self.rid,
            "lsn": self.lsn,
            "owner": self.owner,
            "expires": self.expires,
            "ancestors": list(self.ancestors),
            "events": self.events,
            "at": self.at,
            "head": self.head,
            "retries": self.retries.document(),
            "marks": [mark.document() for mark in self.marks],
            "error": self.error,
        }

    @classmethod
    def from_document(cls, document: Document) -> "Lease":
        return cls(
            consumer=document["consumer"],
            range=FeedRange(document["min"], document["max"]),
            rid=document["rid"],
            etag=document["_etag"],
            lsn=document["lsn"],
            owner=document["owner"],
            expires=document["expires"],
            ancestors=tuple(document["ancestors"]),
            events=document["events"],
            at=document["at"],
            head=document["head"],
            retries=Retries(**document.get("retries", {})),
            marks=tuple(map(Sample.from_document, document.get("marks", ()))),
            error=document.get("error"),
        )
