"""A stream folded from its first event on, with what it came to after each: figures such as a running balance.

The log is immutable, so what was folded once need not be read again: a later look reads the events behind the last one,
and that one once more, to notice a log that is no longer the one that was folded. Every few hundred events the whole
aggregate is kept, so that a state in a long stream is a short way from one.
"""

import copy
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from audit.narration import Figures, Narration
from domain.aggregate import fold
from eventstore.log.documents import Document, RecordedEvent
from eventstore.log.history import History
from eventstore.log.mapper import Mapper

_REMEMBERED = 16
_APART = 500


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An aggregate after one event: `hash` is the event's, nothing up to there was recorded later than `recorded`."""

    version: int
    hash: str
    recorded: datetime
    aggregate: Any


@dataclass(slots=True)
class Timeline:
    """`figures` in the order of versions; `unit` is what they count.

    `failure` says which event could not be applied, and why: it ends there.
    """

    stream: str
    figures: dict[int, Figures] = field(default_factory=dict)
    unit: str | None = None
    aggregate: Any = None
    head: int = 0
    head_hash: str = ""
    failure: tuple[int, str] | None = None
    checkpoints: list[Checkpoint] = field(default_factory=list)


class Timelines:
    """Timelines of the streams that were looked at last. Safe between threads: each stream is folded by one."""

    def __init__(
        self, history: History, mapper: Mapper[str], narration: Narration, *, remembered: int = _REMEMBERED
    ) -> None:
        self._history = history
        self._mapper = mapper
        self._narration = narration
        self._remembered = remembered
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[threading.Lock, Timeline]] = OrderedDict()

    def of(self, stream: str) -> Timeline:
        """The timeline up to now; one without a head if there is no such stream."""
        with self._lock:
            turn, known = self._known.setdefault(stream, (threading.Lock(), Timeline(stream)))
            self._known.move_to_end(stream)
            while len(self._known) > self._remembered:
                self._known.popitem(last=False)
        with turn:
            if known.head and not self._advance(known, after=known.head - 1):
                known.figures, known.aggregate, known.head, known.failure = {}, None, 0, None
                known.checkpoints = []
            if not known.head:
                self._advance(known, after=None)
            return known

    def forget(self, stream: str) -> None:
        """Fold it anew at the next look."""
        with self._lock:
            self._known.pop(stream, None)

    def before(self, stream: str, version: int | None, at: datetime | None) -> Checkpoint | None:
        """The last checkpoint known that is not behind `version` and `at`; reads nothing."""
        with self._lock:
            _, known = self._known.get(stream, (None, Timeline(stream)))
        for each in reversed(known.checkpoints):
            if (version is None or each.version <= version) and (at is None or each.recorded <= at):
                return Checkpoint(each.version, each.hash, each.recorded, copy.deepcopy(each.aggregate))
        return None

    def _advance(self, timeline: Timeline, *, after: int | None) -> bool:
        """Fold on; False if the event that was the last is no longer there."""
        documents = self._history.documents(timeline.stream, after=after)
        if timeline.head:
            last = next(documents, None)
            if last is None or last.get("hash") != timeline.head_hash:
                return False
        for document in documents:
            if timeline.failure is None:
                self._apply(timeline, document)
            timeline.head, timeline.head_hash = int(document["id"]), str(document.get("hash"))
        return True

    def _apply(self, timeline: Timeline, document: Document) -> None:
        version = int(document["id"])
        try:
            recorded = RecordedEvent.from_document(document)
            timeline.aggregate = fold(timeline.aggregate, [self._mapper.domain_event(recorded)])
            timeline.figures[version] = Figures(
                version, recorded.recorded_at, self._narration.figures(timeline.aggregate)
            )
            timeline.unit = self._narration.unit(timeline.aggregate)
            if version % _APART == 0:
                timeline.checkpoints.append(_checkpoint(timeline, recorded))
        except Exception as error:  # noqa: BLE001 - an altered event may fail in any way, and has to be shown all the same
            timeline.failure = version, f"{type(error).__name__}: {error}"


def _checkpoint(timeline: Timeline, event: RecordedEvent) -> Checkpoint:
    before = timeline.checkpoints[-1].version if timeline.checkpoints else 0
    times = [figures.recorded_at for version, figures in timeline.figures.items() if version > before]
    latest = max(map(datetime.fromisoformat, times))
    if timeline.checkpoints:
        latest = max(latest, timeline.checkpoints[-1].recorded)
    return Checkpoint(event.version, event.hash, latest, copy.deepcopy(timeline.aggregate))
