"""One story: every command of a correlation, on all streams, as the tree of what led to what.

The container is indexed by stream and command id, not by correlation. So there are two ways to find a story:

- `Traces.search` asks for everything that carries the correlation. It finds all of it, and the server reads the whole
  container for that: it costs request units for every stored event.
- `Traces.follow` starts at a stream and goes on to what its events lead to, as the domain's narration says: for a
  ledger the transfer that moved the money, its two accounts, and by the ids of its steps what each of them came to.
  It costs a few requests, and misses what shares nothing with that stream but the correlation.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from audit.errors import TraceUnknown
from audit.log import Log
from audit.narration import Narration
from audit.trail.entries import Entry, entry_of
from audit.trail.readable import Readable
from audit.trail.refusals import Refused, refused_of
from domain.aggregate import fold
from eventstore.log.documents import Document, RecordedEvent, is_event
from eventstore.log.mapper import Mapper
from eventstore.personal import PersonalData


@dataclass(slots=True)
class Step:
    """One command and what it left: `entries`, or `refused`, whose code is None if nothing was to be done."""

    stream: str
    command: str
    recorded_at: str
    actor: str | None
    causation: str | None
    entries: list[Entry] = field(default_factory=list)
    refused: Refused | None = None
    led_to: list["Step"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Trace:
    """The roots of the tree, in the order of time. `complete`: the whole log was searched."""

    correlation: str
    roots: list[Step]
    steps: int
    streams: list[str]
    complete: bool


class Traces:
    """Finds stories in the log."""

    def __init__(
        self, log: Log, mapper: Mapper[str], narration: Narration, personal: PersonalData | None = None
    ) -> None:
        self._log = log
        self._mapper = mapper
        self._narration = narration
        self._readable = Readable(mapper, personal)

    def search(self, correlation: str) -> Trace:
        """All that carries the correlation, wherever it is. Raises TraceUnknown."""
        return self._trace(correlation, self._log.documents_about(_needle(correlation)), "the whole log", complete=True)

    def follow(self, correlation: str, stream: str) -> Trace:
        """What can be reached from `stream`. Raises TraceUnknown."""
        documents = self._of_stream(stream, correlation)
        further = {name for document in documents for name in self._leads_to(document)}
        for name in sorted(further):
            documents += self._of_story(name, correlation)
        return self._trace(correlation, documents, f"reach of {stream}", complete=False)

    def _of_stream(self, stream: str, correlation: str) -> list[Document]:
        found = self._log.documents_about(_needle(correlation), stream=stream)
        return [document for document in found if _correlation(document) == correlation]

    def _of_story(self, stream: str, correlation: str) -> list[Document]:
        """What a stream has of the story, and the commands on other streams that its aggregate says belong to it."""
        documents = self._of_stream(stream, correlation)
        first = next((document for document in documents if is_event(document)), None)
        if first is not None and self._entry(first).fields:
            aggregate: Any = fold(None, [self._mapper.domain_event(RecordedEvent.from_document(first))])
            for command in self._narration.commands(aggregate):
                documents += self._log.documents_of_command(command.stream, command.id)
        return documents

    def _leads_to(self, document: Document) -> Iterable[str]:
        fields = self._entry(document).fields if is_event(document) else {}
        return self._narration.leads_to(str(document["streamId"]), fields)

    def _entry(self, document: Document) -> Entry:
        return entry_of(document, before=None, readable=self._readable, narration=self._narration)

    def _trace(self, correlation: str, documents: Iterable[Document], where: str, *, complete: bool) -> Trace:
        steps: dict[tuple[str, str], Step] = {}
        unique = {(document["streamId"], document["id"]): document for document in documents}
        for document in sorted(unique.values(), key=lambda document: (document["streamId"], document["id"])):
            if _correlation(document) == correlation:
                self._add(steps, document)
        if not steps:
            raise TraceUnknown(correlation, where)
        ordered = sorted(steps.values(), key=lambda step: (step.recorded_at, step.stream))
        return Trace(correlation, _tree(ordered), len(ordered), sorted({step.stream for step in ordered}), complete)

    def _add(self, steps: dict[tuple[str, str], Step], document: Document) -> None:
        stream, command = str(document["streamId"]), str(document["commandId"]).partition("/")[0]
        meta: dict[str, Any] = orjson.loads(document["meta"])
        step = steps.setdefault(
            (stream, command),
            Step(stream, command, str(meta.get("recorded_at", "")), meta.get("actor"), meta.get("causation")),
        )
        if is_event(document):
            step.entries.append(self._entry(document))
        else:
            step.refused = refused_of(document)


def _tree(ordered: list[Step]) -> list[Step]:
    """Hang every step below the one that caused it; one whose cause is not in the story is a root."""
    by_command: dict[str, Step] = {}
    for step in ordered:
        by_command.setdefault(step.command, step)
    causes: dict[int, Step] = {}
    roots = []
    for step in ordered:
        cause = by_command.get(step.causation or "")
        if cause is None or _comes_from(cause, step, causes):
            roots.append(step)
        else:
            causes[id(step)] = cause
            cause.led_to.append(step)
    return roots


def _comes_from(step: Step, ancestor: Step, causes: dict[int, Step]) -> bool:
    """Whether `step` is `ancestor` or was caused by it: altered causations must not make a circle."""
    each: Step | None = step
    while each is not None and each is not ancestor:
        each = causes.get(id(each))
    return each is ancestor


def _needle(correlation: str) -> str:
    """How the store writes a correlation into an event's meta."""
    return '"correlation":' + orjson.dumps(correlation).decode()


def _correlation(document: Document) -> str | None:
    try:
        meta = orjson.loads(document["meta"])
    except (KeyError, orjson.JSONDecodeError):
        return None
    found = meta.get("correlation") if isinstance(meta, dict) else None
    return found if isinstance(found, str) else None
