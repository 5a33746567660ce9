"""Who reads which range of the feed for a consumer, and how far it has come.

One document per physical range and consumer in the container `leases`, all of a consumer in one logical partition.
Every change is a replace If-Match; the owner token is new at every start of a worker, so that nobody mistakes an old
lease for its own. A worker whose lease was taken notices at its next write and stops without writing its position.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from projectors.errors import Conflict, FeedReplaced, LeaseLost, Unanswered
from projectors.feed import FeedRange
from projectors.gateway import Document, Gateway, Operation

_CONSUMER_ID = "consumer"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Lease:
    """One range of one consumer.

    `lsn` is the position up to which everything is done, None before the first; `rid` the container it counts in.
    `ancestors` are the ids of the leases that this one was split from, nearest first. `expires` is in seconds since
    1970; `owner` is None or the token of the worker that holds it. `events` counts what was applied, `at` is when the
    newest of them was recorded, `head` the newest LSN seen in the range.
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
        )


class Leases:
    """The leases of all consumers. `duration` is in seconds and must exceed the worst case of one bounded request."""

    def __init__(self, gateway: Gateway, *, clock: Callable[[], float], duration: float = 30.0) -> None:
        self._gateway = gateway
        self._clock = clock
        self.duration = duration

    def of(self, consumer: str) -> list[Lease]:
        """All leases of a consumer, by range; empty before `establish`."""
        found = self._gateway.query("SELECT * FROM c WHERE c.kind = 'lease'", consumer)
        return sorted((Lease.from_document(document) for document in found), key=lambda lease: lease.range)

    def of_all(self, consumers: Iterable[str]) -> dict[str, list[Lease]]:
        """The leases of several consumers, in one query over the container."""
        leases: dict[str, list[Lease]] = {consumer: [] for consumer in consumers}
        if not leases:
            return leases
        names = {f"name{number}": name for number, name in enumerate(leases)}
        listed = ", ".join(f"@{name}" for name in names)
        sql = f"SELECT * FROM c WHERE c.kind = 'lease' AND c.consumer IN ({listed})"  # noqa: S608 - parameters
        for document in self._gateway.query(sql, **names):
            leases[document["consumer"]].append(Lease.from_document(document))
        return leases

    def consumers(self) -> list[str]:
        """The names of all consumers that ever began."""
        return sorted(
            row["consumer"] for row in self._gateway.query("SELECT c.consumer FROM c WHERE c.kind = 'consumer'")
        )

    def establish(self, consumer: str, ranges: Sequence[FeedRange], rid: str) -> None:
        """Makes the first leases of a consumer, once: from then on ranges change by splits alone.

        One batch with a marker document, so that of two workers that saw different ranges (one before a split, one
        after) only one makes leases. Physical partitions are at most 99 here: a batch holds 100 operations.
        """
        marker = {"id": _CONSUMER_ID, "consumer": consumer, "kind": "consumer", "rid": rid}
        leases = [Lease(consumer, feed_range, rid, etag="") for feed_range in ranges]
        operations: list[Operation] = [("create", (marker,))]
        operations += [("create", (lease.document(),)) for lease in leases]
        try:
            self._gateway.batch(consumer, operations)
        except (Conflict, Unanswered):
            found = self._gateway.read(_CONSUMER_ID, consumer)
            if found is None:
                raise
            if found["rid"] != rid:
                raise FeedReplaced(consumer, found["rid"], rid) from None

    def take(self, lease: Lease, owner: str) -> Lease:
        """The lease in the hands of `owner`; raises LeaseLost when somebody was faster."""
        return self._replace(lease, replace(lease, owner=owner, expires=self._clock() + self.duration))

    def renew(self, lease: Lease) -> Lease:
        """Proves that the lease is still held, and holds it on."""
        return self._replace(lease, replace(lease, expires=self._clock() + self.duration))

    def checkpoint(self, lease: Lease, lsn: int | None, **facts: Any) -> Lease:
        """Moves the position: everything up to `lsn` is done. `facts` are those that status reports."""
        return self._replace(lease, replace(lease, lsn=lsn, expires=self._clock() + self.duration, **facts))

    def release(self, lease: Lease) -> Lease:
        """Gives the lease back, for anybody to take at once."""
        return self._replace(lease, replace(lease, owner=None, expires=0.0))

    def split(self, lease: Lease, ranges: Sequence[FeedRange]) -> None:
        """Puts a child for each range in the place of the lease, all at its position; nobody owns them yet.

        One batch: children made before the parent is gone would live beside it. The first child takes over the count of
        events, so that the sum over all stays what was applied.
        """
        whole = replace(lease, owner=None, expires=0.0, ancestors=(lease.id, *lease.ancestors))
        children = [
            replace(whole, range=part, events=0 if number else lease.events) for number, part in enumerate(ranges)
        ]
        operations: list[Operation] = [("delete", (lease.id,), {"if_match_etag": lease.etag})]
        operations += [("create", (child.document(),)) for child in children]
        try:
            self._gateway.batch(lease.consumer, operations)
        except Conflict as error:
            raise LeaseLost(f"{lease.consumer} {lease.id}: split by somebody else, or taken") from error

    def forget(self, consumer: str) -> None:
        """Deletes every trace of a consumer."""
        found = [document["id"] for document in self._gateway.query("SELECT c.id FROM c", consumer)]
        for id_ in sorted(found, key=_CONSUMER_ID.__eq__):  # the marker last: by it the rest is found again
            try:
                self._gateway.delete(id_, consumer)
            except Conflict:  # gone already
                continue

    def _replace(self, old: Lease, new: Lease) -> Lease:
        """Writes If-Match; after a lost answer the document itself says whether it arrived."""
        document = new.document()
        unsure = False
        for _ in range(_TRIES):
            try:
                return replace(new, etag=self._gateway.replace(document, old.etag))
            except Unanswered:
                unsure = True
            except Conflict as error:
                if not unsure:
                    raise LeaseLost(f"{old.consumer} {old.id}: owned by another worker") from error
            found = self._gateway.read(old.id, old.consumer)
            if found is None:
                raise LeaseLost(f"{old.consumer} {old.id}: gone, the range was split")
            if all(found.get(name) == value for name, value in document.items()):
                return replace(new, etag=found["_etag"])
            if found["_etag"] != old.etag:
                raise LeaseLost(f"{old.consumer} {old.id}: owned by another worker")
        raise Unanswered(f"{old.consumer} {old.id}: no answer to {_TRIES} attempts")


class HeldLease:
    """A lease in use: its page thread and the heartbeat change it one at a time."""

    def __init__(self, leases: Leases, lease: Lease) -> None:
        self._leases = leases
        self._lease = lease
        self._lock = threading.Lock()

    @property
    def now(self) -> Lease:
        """The lease as it was last written."""
        return self._lease

    def renew(self) -> None:
        with self._lock:
            self._lease = self._leases.renew(self._lease)

    def checkpoint(self, lsn: int | None, **facts: Any) -> None:
        with self._lock:
            self._lease = self._leases.checkpoint(self._lease, lsn, **facts)

    def release(self) -> None:
        with self._lock:
            self._lease = self._leases.release(self._lease)

    def split(self, ranges: Sequence[FeedRange]) -> None:
        with self._lock:
            self._leases.split(self._lease, ranges)
