"""Has anybody touched the log? Every stream's hash chain recomputed, and what it came to compared with a digest.

The whole log is read by its change feed, some thousand documents a request, all streams mixed; what is known of each
stream is noted on disk (`audit.verification.head_table`). Only a stream that does not fit is walked by itself, to name
the first bad event: the feed brings a document that was replaced at the place of its replacement.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from typing import Final

from audit import metrics
from audit.digests.archive import KeptDigest
from audit.digests.heads import Head, SealedOutcome
from audit.errors import StreamUnknown
from audit.log import Log
from audit.verification.head_table import HeadTable, KnownHead
from audit.verification.prefetch import prefetched
from eventstore.log.documents import Document, is_event
from eventstore.log.history import History
from eventstore.log.verification import Verification

JOBS: Final = 8
"""Places that are read at a time, ranges of the container or streams: what is waited for is the network."""

_LISTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Broken:
    """A stream that is not what it was. `version` is that of its first bad event, None where there is none to name."""

    stream: str
    version: int | None
    problem: str


@dataclass(slots=True)
class Verdict:
    """What a verification came to. `broken` lists the first thousand of `bad` streams; `digest` is the number of the
    digest that was compared with, and `sealed` counts the streams in it."""

    streams: int = 0
    events: int = 0
    outcomes: int = 0
    bad: int = 0
    broken: list[Broken] = field(default_factory=list)
    digest: int | None = None
    sealed: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.bad

    def add(self, broken: Broken) -> None:
        """One more stream that is not what it was."""
        self.bad += 1
        if len(self.broken) < _LISTED:
            self.broken.append(broken)


def verify_log(
    log: Log,
    streams: Sequence[str] = (),
    *,
    against: KeptDigest | None = None,
    jobs: int = JOBS,
    progress: Callable[[Verdict], None] = lambda _: None,
    each: Callable[[Head, Iterator[SealedOutcome]], None] | None = None,
) -> Verdict:
    """Verify `streams`, or all of the log; of a sound one `each` is told every stream, in the order of names.

    Raises:
        StreamUnknown: a stream was named that is neither in the log nor in the digest.
        DigestUnreadable: the heads beside the digest are not those that it seals.
    """
    chosen = frozenset(streams)
    places = (log.history.partition(stream) for stream in sorted(chosen)) if chosen else log.feed()
    verdict = verify_pages(log.history, prefetched(places, jobs=jobs), chosen, against, progress=progress, each=each)
    if not chosen:
        metrics.broken_streams.set(verdict.bad)
    return verdict


def verify_pages(
    history: History,
    pages: Iterable[Iterable[Document]],
    chosen: frozenset[str] = frozenset(),
    against: KeptDigest | None = None,
    *,
    progress: Callable[[Verdict], None] = lambda _: None,
    each: Callable[[Head, Iterator[SealedOutcome]], None] | None = None,
) -> Verdict:
    """As `verify_log`, of pages that hold each stream's events in order. A stream that is not sound by them is walked
    by itself through `history`, which names its first bad event."""
    verdict = Verdict(digest=against.digest.number if against else None)
    with HeadTable() as notebook:
        if against is not None:
            verdict.sealed = notebook.seal(against.lines(), only=chosen)
        for page in pages:
            for document in page:
                stray = notebook.document(document)
                if stray is not None:
                    verdict.add(Broken("(none)", None, stray))
                elif is_event(document):
                    verdict.events += 1
                else:
                    verdict.outcomes += 1
            verdict.streams = notebook.seen
            progress(verdict)
        _conclude(verdict, notebook, history, chosen)
        if each is not None and verdict.sound:
            for stream, noted in notebook.streams():
                each(notebook.head(stream, noted), notebook.outcomes(stream))
    return verdict


def _conclude(verdict: Verdict, notebook: HeadTable, history: History, chosen: frozenset[str]) -> None:
    lost = groupby(notebook.lost_outcomes(), key=itemgetter(0))
    next_lost = next(lost, None)
    verdict.streams, missing = 0, set(chosen)
    for stream, noted in notebook.streams():
        missing.discard(stream)
        gone = list(islice(next_lost[1], 1)) if next_lost and next_lost[0] == stream else []
        if gone:
            next_lost = next(lost, None)
        broken = _judge(stream, noted, notebook, history, gone)
        if broken is not None:
            verdict.add(broken)
        verdict.streams += bool(noted.events or noted.outcomes)
    if missing:
        raise StreamUnknown(min(missing))


def _judge(
    stream: str, noted: KnownHead, notebook: HeadTable, history: History, gone: Sequence[tuple[str, str, bool]]
) -> Broken | None:
    if not noted.events and not noted.outcomes and not noted.doubtful:
        had = "refused commands" if noted.sealed is None else f"{noted.sealed[0]} versions"
        return Broken(stream, None, f"deleted: the digest has {had} of it")
    if not noted.sound:
        found = history.verify(stream, head=noted.sealed)
        if not found.sound:
            return _first_fault(found, noted.sealed)
        notebook.correct(found)
    for _, document_id, replaced in gone:
        what = "rewritten" if replaced else "removed"
        return Broken(stream, None, f"outcome {document_id} was {what} after the digest was made")
    return None


def _first_fault(found: Verification, sealed: tuple[int, str] | None) -> Broken:
    fault = found.faults[0]
    if sealed is not None and len(found.faults) == 1:
        last = sealed[0]
        if found.version is None or found.version < last:
            ends = "it has no events" if found.version is None else f"it ends at version {found.version}"
            problem = f"truncated: the digest has version {last}, {ends}"
            return Broken(found.stream, None if found.version is None else found.version + 1, problem)
        if fault.document_id.isdecimal() and int(fault.document_id) == last:
            return Broken(found.stream, last, f"rewritten: {fault.problem}, as far as version {last}")
    version = int(fault.document_id) if fault.document_id.isdecimal() else None
    where = "" if version is not None else f"outcome {fault.document_id}: "
    return Broken(found.stream, version, where + fault.problem)
