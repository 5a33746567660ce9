"""Has anybody touched the log? Every stream's hash chain recomputed, and its head compared with a digest's.

Memory holds the names of the streams, and no more of the log: names come in order, and so do a digest's heads.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from opentelemetry import metrics

from eventstore.verification import Verification
from replay.audit.archive import KeptDigest
from replay.audit.errors import StreamUnknown
from replay.audit.heads import Head
from replay.audit.log import Log

JOBS: Final = 8
"""Streams at a time: what is waited for is the network."""

_LISTED: Final = 1_000

_gauge = metrics.get_meter("tidemark.audit").create_gauge(
    "tidemark.audit.broken_streams", unit="{stream}", description="streams that did not verify"
)


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
    each: Callable[[Verification], None] = lambda _: None,
) -> Verdict:
    """Verify `streams`, or all of the log; `each` is told of every stream that exists, in the order of names.

    Raises:
        StreamUnknown: a stream was named that is neither in the log nor in the digest.
        DigestUnreadable: the heads beside the digest are not those that it seals.
    """
    names = iter(sorted(set(streams)) if streams else log.names())
    verdict = Verdict(digest=against.digest.number if against else None)
    heads: dict[str, Head] = {}
    wanted = _Paired(names, against.heads() if against else iter(()), heads, frozenset(streams))
    for found in log.verified(wanted.pairs(), jobs=jobs):
        head = heads.pop(found.stream, None)
        _judge(verdict, found, head, named=bool(streams))
        if found.events:
            each(found)
        progress(verdict)
    verdict.sealed = wanted.sealed
    if not streams:
        _gauge.set(verdict.bad)
    return verdict


class _Paired:
    """Streams of the log and heads of a digest, side by side: both come in the order of names."""

    def __init__(
        self, names: Iterator[str], heads: Iterator[Head], open_heads: dict[str, Head], only: frozenset[str]
    ) -> None:
        self._names = names
        self._heads = heads
        self._open = open_heads
        self._only = only
        self.sealed = 0

    def pairs(self) -> Iterator[tuple[str, tuple[int, str] | None]]:
        """Every name of either side, with the head that is kept of it. `open_heads` has those on their way."""
        head = self._next()
        for name in self._names:
            while head is not None and head.stream < name:
                yield self._kept(head)
                head = self._next()
            if head is not None and head.stream == name:
                yield self._kept(head)
                head = self._next()
            else:
                yield name, None
        while head is not None:
            yield self._kept(head)
            head = self._next()

    def _kept(self, head: Head) -> tuple[str, tuple[int, str]]:
        self._open[head.stream] = head
        return head.stream, (head.version, head.hash)

    def _next(self) -> Head | None:
        for head in self._heads:
            self.sealed += 1
            if not self._only or head.stream in self._only:
                return head
        return None


def _judge(verdict: Verdict, found: Verification, head: Head | None, *, named: bool) -> None:
    if not found.events and not found.outcomes:
        if head is None and named:
            raise StreamUnknown(found.stream)
        if head is not None:
            verdict.add(Broken(found.stream, None, f"deleted: the digest has {head.version} versions of it"))
        return
    verdict.streams += 1
    verdict.events += found.events
    verdict.outcomes += found.outcomes
    if not found.sound:
        verdict.add(_first_fault(found, head))


def _first_fault(found: Verification, head: Head | None) -> Broken:
    fault = found.faults[0]
    if head is not None and len(found.faults) == 1:
        if found.version is None or found.version < head.version:
            ends = "it has no events" if found.version is None else f"it ends at version {found.version}"
            problem = f"truncated: the digest has version {head.version}, {ends}"
            return Broken(found.stream, None if found.version is None else found.version + 1, problem)
        if fault.document_id.isdecimal() and int(fault.document_id) == head.version:
            return Broken(found.stream, head.version, f"rewritten: {fault.problem}, as far as version {head.version}")
    version = int(fault.document_id) if fault.document_id.isdecimal() else None
    where = "" if version is not None else f"outcome {fault.document_id}: "
    return Broken(found.stream, version, where + fault.problem)
