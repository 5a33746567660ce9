"""The leases as they are stored: made once, taken, renewed, given back, split.

Every change is a replace If-Match; the owner token is new at every start of a worker, so that nobody mistakes an old
lease for its own. A worker whose lease was taken notices at its next write and stops without writing its position.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from eventstore.log.event_log import pause
from eventstore.log.limits import MAX_OPERATIONS
from projectors.container import Container, Document, Operation
from projectors.errors import Conflict, FeedReplaced, LeaseLost, Unanswered
from projectors.feed.ranges import FeedRange
from projectors.leases.lease import Lease
from projectors.throughput.retries import NO_RETRIES, Sample, marked

_CONSUMER_ID = "consumer"
_UNMADE_ID = "unmade"
_PER_BATCH = MAX_OPERATIONS - 2
"""Leases made at a time, beside the marker and the list."""
_TRIES = 5
_FIRST_PAUSE = 0.02


class LeaseStore:
    """The leases of all consumers. `duration` is in seconds and must exceed the worst case of one bounded request."""

    def __init__(self, gateway: Container, *, clock: Callable[[], float], duration: float = 30.0) -> None:
        self._gateway = gateway
        self._clock = clock
        self.duration = duration

    @property
    def gateway(self) -> Container:
        """Their container, for what a consumer keeps beside its leases."""
        return self._gateway

    def of(self, consumer: str) -> list[Lease]:
        """All leases of a consumer, by range; none before it is established."""
        return self.of_all([consumer])[consumer]

    def of_all(self, consumers: Iterable[str]) -> dict[str, list[Lease]]:
        """The leases of several consumers, by range, in one query."""
        leases: dict[str, list[Lease]] = {consumer: [] for consumer in consumers}
        if not leases:
            return leases
        scope = next(iter(leases)) if len(leases) == 1 else None
        names = {f"name{number}": name for number, name in enumerate(leases)}
        listed = ", ".join(f"@{name}" for name in names)
        sql = f"SELECT * FROM c WHERE c.kind IN ('lease', 'unmade') AND c.consumer IN ({listed})"  # noqa: S608 - parameters
        found = self._gateway.query(sql, scope, **names)
        unmade = {document["consumer"] for document in found if document["kind"] == "unmade"}
        for document in found:
            if document["consumer"] not in unmade:
                leases[document["consumer"]].append(Lease.from_document(document))
        return {consumer: sorted(some, key=lambda lease: lease.range) for consumer, some in leases.items()}

    def consumers(self) -> list[str]:
        """The names of all consumers that ever began."""
        return sorted(
            row["consumer"] for row in self._gateway.query("SELECT c.consumer FROM c WHERE c.kind = 'consumer'")
        )

    def establish(self, consumer: str, ranges: Sequence[FeedRange], rid: str) -> None:
        """Makes the first leases of a consumer, once: from then on ranges change by splits alone.

        One batch with a marker document, so that of two workers that saw different ranges (one before a split, one
        after) only one makes leases. A batch holds 98 of them; the ranges that are left over are kept in a document
        `unmade`, and each further batch makes 98 leases and takes their ranges out of that document. 250 ranges: 98
        leases and 152 ranges to make, then 196 and 54, then 250 and no document. So no lease is made twice, also if it
        was split in between. While the document is there the consumer counts as having no leases; whoever establishes
        it next makes the rest. Raises FeedReplaced for a consumer of another container.
        """
        marker = {"id": _CONSUMER_ID, "consumer": consumer, "kind": "consumer", "rid": rid}
        made, unmade = ranges[:_PER_BATCH], ranges[_PER_BATCH:]
        operations: list[Operation] = [("create", (marker,))]
        if unmade:
            operations.append(("create", (_unmade(consumer, unmade),)))
        try:
            self._gateway.batch(consumer, operations + _creations(consumer, made, rid))
        except (Conflict, Unanswered) as error:
            begun = self._begun(consumer)
            if begun is None:
                raise Unanswered(f"{consumer}: whether it has leases: {error}") from error
            if begun != rid:
                raise FeedReplaced(consumer, begun, rid) from None
        else:
            if not unmade:
                return
        while (listed := self._gateway.read(_UNMADE_ID, consumer)) is not None:
            self._make_more(consumer, listed, rid)

    def _begun(self, consumer: str) -> str | None:
        """The container that a consumer's leases were made for, None if that cannot be read: the write that was first
        may not have come to the replica."""
        for attempt in range(_TRIES):
            if attempt:
                pause(_FIRST_PAUSE, attempt)
            try:
                found = self._gateway.read(_CONSUMER_ID, consumer)
            except Unanswered:
                continue
            if found is not None:
                return str(found["rid"])
        return None

    def _make_more(self, consumer: str, listed: Document, rid: str) -> None:
        """One batch more; nothing when somebody else did it meanwhile."""
        ranges = [FeedRange(least, most) for least, most in listed["ranges"]]
        made, unmade = ranges[:_PER_BATCH], ranges[_PER_BATCH:]
        only = {"if_match_etag": listed["_etag"]}
        shorter: Operation = (
            ("replace", (_UNMADE_ID, _unmade(consumer, unmade)), only) if unmade else ("delete", (_UNMADE_ID,), only)
        )
        try:
            self._gateway.batch(consumer, [shorter, *_creations(consumer, made, rid)])
        except Conflict as error:
            if error.index:  # not the list: a lease that must not be there
                raise

    def take(self, lease: Lease, owner: str) -> Lease:
        """The lease in the hands of `owner`; raises LeaseLost when somebody was faster."""
        return self._hold(lease, replace(lease, owner=owner))

    def renew(self, lease: Lease, **facts: Any) -> Lease:
        """Proves that the lease is still held, and holds it on. `facts` are written with it."""
        return self._hold(lease, replace(lease, **facts))

    def release(self, lease: Lease, **facts: Any) -> Lease:
        """Gives the lease back, for anybody to take at once."""
        return self._replace(lease, replace(lease, owner=None, expires=0.0, **facts))

    def split(self, lease: Lease, ranges: Sequence[FeedRange]) -> None:
        """Puts a child for each range in the place of the lease, all at its position; nobody owns them yet.

        One batch: children made before the parent is gone would live beside it. The first child goes on with the
        totals, so that the sum over all stays what was applied.
        """
        first = replace(lease, owner=None, expires=0.0, error=None, ancestors=(lease.id, *lease.ancestors))
        other = replace(first, events=0, retries=NO_RETRIES, marks=())
        children = [replace(other if number else first, range=part) for number, part in enumerate(ranges)]
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

    def _hold(self, old: Lease, new: Lease) -> Lease:
        now = self._clock()
        marks = marked(new.marks, Sample(now, new.events, new.retries))
        return self._replace(old, replace(new, expires=now + self.duration, marks=marks))

    def _replace(self, old: Lease, new: Lease) -> Lease:
        """Writes If-Match. Where no answer comes, or a conflict, the document itself says whether it arrived: the SDK
        sends some requests again by itself, and then is refused what the first one did."""
        document = new.document()
        for _ in range(_TRIES):
            try:
                return replace(new, etag=self._gateway.replace(document, old.etag))
            except (Conflict, Unanswered) as error:
                found = self._gateway.read(old.id, old.consumer)
                if found is None:
                    raise LeaseLost(f"{old.consumer} {old.id}: gone, the range was split") from error
                if all(found.get(name) == value for name, value in document.items()):
                    return replace(new, etag=found["_etag"])
                if found["_etag"] != old.etag:
                    raise LeaseLost(f"{old.consumer} {old.id}: owned by another worker") from error
        raise Unanswered(f"{old.consumer} {old.id}: no answer to {_TRIES} attempts")


def _creations(consumer: str, ranges: Iterable[FeedRange], rid: str) -> list[Operation]:
    return [("create", (Lease(consumer, part, rid, etag="").document(),)) for part in ranges]


def _unmade(consumer: str, ranges: Iterable[FeedRange]) -> Document:
    """The ranges that have no lease yet."""
    return {
        "id": _UNMADE_ID,
        "consumer": consumer,
        "kind": "unmade",
        "ranges": [[part.min, part.max] for part in ranges],
    }
