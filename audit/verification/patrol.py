"""The log verified a little at a time: a timer's visits together make a round of all streams.

A visit goes on where the last one stopped, within a long stream too, and ends at its deadline. The place is a document
in the container `leases`, replaced If-Match: of two visits at once one gives up, and its part is verified again.

It finds what a chain shows. Missing tails, deleted streams and full rewrites take a digest, which is not kept where the
service can write (docs/audit.md). Of the streams that it verifies it also folds a few from their first event, and
compares what comes out with the snapshot that commands begin at.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Final, Self

from audit import metrics
from audit.log import Log
from eventstore.errors import StoreError
from eventstore.log.verification import Fault, StreamCheck
from projectors.container import Container
from projectors.errors import Conflict

__all__ = ["Patrol", "Place"]

CONSUMER: Final = "audit-patrol"
_ID: Final = "place"
_JOBS: Final = 8
_NAMES: Final = 200
_FOLDED: Final = 2
"""Streams whose snapshots are compared, of each lot of names."""
_LONGEST: Final = 20_000
"""Events of a stream that is folded: a minute's reading at most, and the visit ends when its time is up."""

_MEND: Final = "raise class_version of its aggregate and deploy, then no snapshot made so far is read any more"

_log = logging.getLogger("tidemark.audit")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a round has come: behind `stream`, or behind `version` of the stream after it, whose hash is `hash`.

    `streams` were verified in this round, `bad` of them did not hold. `whole`: there were no more.
    """

    stream: str = ""
    inside: str = ""
    version: int = 0
    hash: str = ""
    streams: int = 0
    bad: int = 0
    whole: bool = False

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        return cls(**document["place"])


@dataclass(frozen=True, slots=True)
class _Looked:
    """`done`: to the stream's end, or to its first bad event; else `after` is version and hash of the last good one.
    `version` is the stream's last."""

    stream: str
    faults: tuple[Fault, ...] = ()
    done: bool = False
    after: tuple[int, str] | None = None
    version: int = 0


class Patrol:
    """`clock` counts seconds. `snapshot_fault(stream)` says what is wrong with a stream's snapshot, None if nothing is;
    `snapshot_every`: streams that are shorter have none."""

    def __init__(
        self,
        log: Log,
        leases: Container,
        *,
        snapshot_fault: Callable[[str], str | None],
        snapshot_every: int = 50,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._leases = leases
        self._snapshot_fault = snapshot_fault
        self._snapshot_every = snapshot_every
        self._clock = clock

    def visit(self, seconds: float, *, names: int = _NAMES) -> Place:
        """Verify for about so long, at most to the end of the round; the place is kept every `names` streams.

        Each broken stream is an error in the log and counts in the gauge `tidemark.audit.broken_streams`, each wrong
        snapshot is one too and counts in `tidemark.audit.wrong_snapshots`. Returns how far the round has come.
        """
        deadline = self._clock() + seconds
        found = self._leases.read(_ID, CONSUMER)
        place, etag = (Place.from_document(found), str(found["_etag"])) if found else (Place(), None)
        with ThreadPoolExecutor(_JOBS, "patrol") as pool:
            while self._clock() < deadline:
                some = self._log.names_after(place.stream, limit=names)
                looked = list(pool.map(partial(self._look, place, deadline), some))
                place = self._advance(place, looked) if some else replace(place, whole=True)
                metrics.broken_streams.set(place.bad)
                try:
                    etag = self._keep(Place() if place.whole else place, etag)
                except Conflict:
                    _log.warning("another visit has kept its place meanwhile: what this one verified is verified again")
                    return place
                self._fold_some(looked, deadline)
                if place.whole:
                    what = {"streams": place.streams, "broken": place.bad}
                    _log.info("all %d streams verified, %d broken", place.streams, place.bad, extra={"audit": what})
                    return place
        return place

    def _look(self, place: Place, deadline: float, stream: str) -> _Looked:
        start = (place.version, place.hash) if place.inside == stream else None
        if self._clock() >= deadline:
            return _Looked(stream, after=start)
        check = StreamCheck(stream, after=start)
        for page in self._log.history.partition(stream, after=start[0] if start else None):
            for document in page:
                check.document(document)
            so_far = check.result()
            if so_far.faults:
                break
            if self._clock() >= deadline and so_far.version is not None:
                return _Looked(stream, after=(so_far.version, so_far.head))
        result = check.result()
        return _Looked(stream, result.faults, done=True, version=result.version or 0)

    def _fold_some(self, looked: Sequence[_Looked], deadline: float) -> None:
        """Other streams each time, so that whatever is wrong with many shows within a few rounds."""
        fit = [each.stream for each in looked if each.done and self._snapshot_every <= each.version <= _LONGEST]
        for stream in random.sample(fit, min(_FOLDED, len(fit))):
            if self._clock() >= deadline:
                return
            try:
                fault = self._snapshot_fault(stream)
            except StoreError as error:
                _log.warning("stream %s cannot be folded: %s", stream, error)
                continue
            if fault:
                metrics.wrong_snapshots.add(1)
                what = {"stream": stream, "problem": fault}
                _log.error("stream %s: %s; %s", stream, fault, _MEND, extra={"audit": what})

    def _advance(self, place: Place, looked: Sequence[_Looked]) -> Place:
        """As far as streams are done one after the other; what was done behind one that is not is done again."""
        for each in looked:
            if not each.done:
                version, head = each.after or (0, "")
                return replace(place, inside=each.stream if each.after else "", version=version, hash=head)
            if each.faults:
                fault = each.faults[0]
                what = {"stream": each.stream, "document": fault.document_id, "problem": fault.problem}
                _log.error("stream %s does not verify: %s", each.stream, fault.problem, extra={"audit": what})
            metrics.verified_streams.add(1)
            place = Place(each.stream, streams=place.streams + 1, bad=place.bad + bool(each.faults))
        return place

    def _keep(self, place: Place, etag: str | None) -> str:
        document = {"id": _ID, "consumer": CONSUMER, "kind": "patrol", "place": asdict(place)}
        return self._leases.create(document) if etag is None else self._leases.replace(document, etag)
