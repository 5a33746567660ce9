"""Proves that a stored view is what the log says, item by item, while writes go on."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from projectors.database import Database
from projectors.errors import PoisonEvent
from projectors.views.streams.view import StreamView
from projectors.views.sums.view import SumView
from projectors.views.view import View
from replay.contents.hashing import Contents, digest_of
from replay.contents.streams import Expected, StreamContents
from replay.contents.sums import SumContents

_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Difference:
    """A stream, or a key of sums, that is not what the log says."""

    name: str
    version: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verified:
    """`log` and `stored` are digests. `parked` streams are right at the version where they wait."""

    view: str
    generation: int
    streams: int
    items: int
    log: str
    stored: str
    different: list[Difference]
    parked: list[str]

    @property
    def right(self) -> bool:
        return not self.different


def verify(
    stores: Database,
    view: View,
    *,
    generation: int | None = None,
    settle: float = 10.0,
    progress: Callable[[int], None] | None = None,
) -> Verified:
    """Compares a generation (the serving one unless given) with a fold of the log.

    What is behind the log has `settle` seconds to come to where the log was when it was looked at; what it holds must
    be right at every moment. `progress` is told how many streams are done.
    """
    number = stores.registry.of(view.name).serving if generation is None else generation
    if isinstance(view, StreamView):
        return _Streams(stores, view, number, settle, progress).verify()
    if isinstance(view, SumView):
        return _verify_sums(stores, view, number)
    raise TypeError(f"{view.name} is neither a StreamView nor a SumView")


class _Streams:
    def __init__(
        self,
        stores: Database,
        view: StreamView,
        generation: int,
        settle: float,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._stores = stores
        self._view = view
        self._generation = generation
        self._settle = settle
        self._progress = progress
        self._contents = StreamContents(stores, view, generation)

    def verify(self) -> Verified:
        log: list[Contents] = []
        stored: list[Contents] = []
        different: list[Difference] = []
        end = time.monotonic() + self._settle
        for number, (found, expected, behind) in enumerate(self._looked_at(end), 1):
            log.append(expected.contents)
            stored.append(found)
            if found.hash != expected.contents.hash:
                reason = "not what the log gives" if expected.head else "the log has no such stream"
                different.append(Difference(found.name, found.version, reason))
            elif behind:
                reason = f"the log has version {behind}, still not applied after {self._settle:.0f} s"
                different.append(Difference(found.name, found.version, reason))
            if self._progress is not None:
                self._progress(number)
        return Verified(
            self._view.name,
            self._generation,
            len(stored),
            sum(contents.items for contents in stored),
            digest_of(log),
            digest_of(stored),
            sorted(different, key=lambda difference: difference.name),
            sorted(contents.name for contents in stored if contents.parked),
        )

    def _looked_at(self, end: float) -> Iterator[tuple[Contents, Expected, int]]:
        """Every stream of the view or the log, and the version that it should have reached but has not (or 0)."""
        known = {contents.name: contents for contents in self._contents.all()}
        names = {stream for stream in self._stores.history.streams() if self._view.reads(stream)}
        for name in sorted(names | known.keys()):
            found = known.get(name, Contents.nothing(name))
            expected = self._expected(found)
            head = expected.head
            while found.version < head and not found.parked and time.monotonic() < end:
                time.sleep(_POLL)
                found = self._contents.stored(name)
                expected = self._expected(found)
            yield found, expected, head if found.version < head and not found.parked else 0

    def _expected(self, found: Contents) -> Expected:
        """What the view of today cannot apply is not what is stored, either."""
        try:
            return self._contents.expected(found)
        except PoisonEvent as error:
            return Expected(Contents(found.name, error.version, 0, str(error).encode()), found.version)


def _verify_sums(stores: Database, view: SumView, generation: int) -> Verified:
    contents = SumContents(stores, view, generation)
    snapshot, expected = contents.snapshot, contents.expected
    names = sorted(snapshot.sums.keys() | expected.keys())
    different = [
        Difference(name, snapshot.position, "not what the log gives") for name in names if not contents.right(name)
    ]
    return Verified(
        view.name,
        generation,
        len(snapshot.sums),
        len(snapshot.sums),
        digest_of(expected.values()),
        digest_of(snapshot.contents()),
        different,
        sorted(contents.parked),
    )
