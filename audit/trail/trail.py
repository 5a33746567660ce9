"""The audit trail of single streams: what happened, what was true when, and what changed between two moments."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.errors import BeforeBeginning, CannotApply, StreamUnknown, VersionUnknown
from audit.log import Log
from audit.narration import Narration, Value
from audit.trail.entries import Entry, entry_of
from audit.trail.facts import Difference, differences, facts_of
from audit.trail.readable import Readable
from audit.trail.refusals import Refused, refused_of
from audit.trail.timeline import Timeline, Timelines
from domain.aggregate import fold
from eventstore.log.chain import genesis
from eventstore.log.documents import RecordedEvent
from eventstore.log.mapper import Mapper
from eventstore.log.outcomes import CLAIMED
from eventstore.personal import PersonalData

MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class StateAt:
    """An aggregate right after `version`. `recorded_at` is when that was recorded, `head` the newest version."""

    stream: str
    version: int
    recorded_at: str
    head: int
    unit: str | None
    facts: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two states of one stream, and every fact that differs."""

    before: StateAt
    after: StateAt
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Entries in the order of versions. `older` and `newer` are `upto` of the pages beside it, None at the ends."""

    stream: str
    entries: Sequence[Entry]
    head: int
    older: int | None
    newer: int | None
    timeline: Timeline


class AuditTrail:
    """Reads the log only: no view, no snapshot. Times are aware; versions count from 1."""

    def __init__(
        self, log: Log, mapper: Mapper[str], narration: Narration, personal: PersonalData | None = None
    ) -> None:
        self._log = log
        self._history = log.history
        self._mapper = mapper
        self._narration = narration
        self._readable = Readable(mapper, personal)
        self._timelines = Timelines(log.history, mapper, narration)

    def state(self, stream: str, *, version: int | None = None, at: datetime | None = None) -> StateAt:
        """The state after `version`, or after all that was recorded up to `at`, or as it is now.

        Raises:
            StreamUnknown, VersionUnknown, BeforeBeginning: there is no such state.
            CannotApply: an event up to there makes no sense.
        """
        aggregate, last = self._folded(stream, version, at)
        head = self._head(stream)
        if last is None or (version is not None and last.version != version):
            if version is None and at is not None:
                raise BeforeBeginning(stream, at, self._first(stream).recorded_at)
            raise VersionUnknown(stream, version or 0, head)
        facts = self._readable.facts(facts_of(aggregate, self._narration.figures(aggregate)))
        return StateAt(stream, last.version, last.recorded_at, head, self._narration.unit(aggregate), facts)

    def compare(self, stream: str, before: int | datetime, after: int | datetime) -> Comparison:
        """Two versions, or two times, or one of each, field by field. Raises as `state` does."""
        first, second = self._at(stream, before), self._at(stream, after)
        return Comparison(first, second, differences(first.facts, second.facts))

    def page(self, stream: str, *, upto: int | None = None, limit: int = 100) -> EntryPage:
        """The last `limit` entries up to version `upto`, or up to the newest.

        Raises:
            StreamUnknown, VersionUnknown: there is nothing to show.
        """
        timeline = self._timelines.of(stream)
        if not timeline.head:
            raise StreamUnknown(stream)
        end = timeline.head if upto is None else upto
        if not 1 <= end <= timeline.head:
            raise VersionUnknown(stream, end, timeline.head)
        limit = max(1, min(limit, MAX_PAGE))
        start = max(0, end - limit)
        return EntryPage(
            stream,
            self._entries(timeline, start, end),
            timeline.head,
            start if start > 0 else None,
            min(end + limit, timeline.head) if end < timeline.head else None,
            timeline,
        )

    def entries(self, stream: str) -> list[Entry]:
        """Every entry of a stream. Raises StreamUnknown."""
        timeline = self._timelines.of(stream)
        if not timeline.head:
            raise StreamUnknown(stream)
        return self._entries(timeline, 0, timeline.head)

    def refusals(self, stream: str, *, limit: int) -> list[Refused]:
        """The newest commands on this stream that left no event: refused, or nothing to do."""
        found = (refused_of(each) for each in self._log.outcomes(stream) if each.get("type") != CLAIMED)
        return heapq.nlargest(limit, found, key=lambda refused: refused.recorded_at or "")

    def timeline(self, stream: str) -> Timeline:
        """The stream's figures after each event. Raises StreamUnknown."""
        timeline = self._timelines.of(stream)
        if not timeline.head:
            raise StreamUnknown(stream)
        return timeline

    def _entries(self, timeline: Timeline, start: int, end: int) -> list[Entry]:
        before: str | None = genesis(timeline.stream) if start == 0 else None
        found = []
        for document in self._history.documents(timeline.stream, after=start - 1 if start else None, upto=end):
            version = int(document["id"])
            if version > start:
                figures = timeline.figures.get(version - 1), timeline.figures.get(version)
                found.append(
                    entry_of(
                        document,
                        before=before,
                        readable=self._readable,
                        narration=self._narration,
                        figures=figures,
                        unit=timeline.unit,
                    )
                )
            before = str(document.get("hash"))
        return found

    def _folded(self, stream: str, version: int | None, at: datetime | None) -> tuple[Any, RecordedEvent | None]:
        start = self._timelines.before(stream, version, at)
        aggregate: Any = start.aggregate if start else None
        last: RecordedEvent | None = None
        for event in self._history.stream(stream, after=start.version - 1 if start else None, upto=version, until=at):
            if start is not None and last is None:
                if event.hash != start.hash:
                    break
            else:
                aggregate = self._applied(aggregate, event)
            last = event
        if start is not None and last is None:  # the log is not the one that was folded
            self._timelines.forget(stream)
            return self._folded(stream, version, at)
        return aggregate, last

    def _at(self, stream: str, moment: int | datetime) -> StateAt:
        return self.state(stream, at=moment) if isinstance(moment, datetime) else self.state(stream, version=moment)

    def _applied(self, aggregate: Any, event: RecordedEvent) -> Any:
        try:
            return fold(aggregate, [self._mapper.domain_event(event)])
        except Exception as error:
            raise CannotApply(event.stream, event.version, f"{type(error).__name__}: {error}") from error

    def _head(self, stream: str) -> int:
        for event in self._history.stream(stream, descending=True, limit=1):
            return event.version
        raise StreamUnknown(stream)

    def _first(self, stream: str) -> RecordedEvent:
        for event in self._history.stream(stream, limit=1):
            return event
        raise StreamUnknown(stream)
