"""Recomputing a stream's hash chain, and saying what is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eventstore.log.chain import genesis, link
from eventstore.log.documents import FIELDS, MAX_VERSION, event_id
from eventstore.log.outcomes import outcome_id

SYSTEM_FIELDS: Final = frozenset({"_rid", "_self", "_etag", "_attachments", "_ts", "_lsn"})
"""What Cosmos DB adds to a document."""

_KNOWN: Final = FIELDS | SYSTEM_FIELDS
_TYPES: Final = {name: int if name in ("version", "schema") else str for name in sorted(FIELDS)}
_FAULTS: Final = 100
_UNFIT: Final = "its content does not fit its hash"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, on the document with this id."""

    document_id: str
    problem: str


@dataclass(frozen=True, slots=True)
class Verification:
    """`version` and `head` are those of the last event (None and the stream's genesis if there is none).

    `faults` holds the first hundred; none means that the chain is whole.
    """

    stream: str
    version: int | None
    head: str
    events: int
    outcomes: int
    faults: tuple[Fault, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(stream: str, documents: Iterable[Mapping[str, Any]], *, head: tuple[int, str] | None = None) -> Verification:
    """Check all documents of a stream's partition, which come in the order of their ids.

    Finds any change of any field, any field added or removed, documents exchanged, inserted or removed between others,
    and outcomes changed or moved to another stream. What only a digest kept elsewhere can show, `head` shows: a
    missing tail and a stream written anew.
    """
    check = StreamCheck(stream, head=head)
    for document in documents:
        check.document(document)
    return check.result()


class StreamCheck:
    """The check of one stream, a document at a time; `after` is the version and hash of an event to go on behind."""

    def __init__(
        self, stream: str, *, head: tuple[int, str] | None = None, after: tuple[int, str] | None = None
    ) -> None:
        self._stream = stream
        self._kept = head
        self._version: int | None = after[0] if after else None
        self._head = after[1] if after else genesis(stream)
        self._events = 0
        self._outcomes = 0
        self._faults: list[Fault] = []

    def document(self, document: Mapping[str, Any]) -> None:
        """The next document in the order of ids."""
        name = str(document.get("id"))
        problem = _malformed(document) or self._misplaced(document)
        if problem:
            self._fault(name, problem)
            return
        if document["hash"] != _hash(document):
            self._fault(name, _UNFIT)
        if name.startswith("-"):
            self._outcomes += 1
        else:
            self._event(name, document)

    def result(self) -> Verification:
        """What was found so far."""
        if self._kept is not None:
            self._fault(event_id(self._kept[0]), "missing, or not the event that was there when its hash was kept")
        return Verification(self._stream, self._version, self._head, self._events, self._outcomes, tuple(self._faults))

    def _misplaced(self, document: Mapping[str, Any]) -> str | None:
        if document["streamId"] != self._stream:
            return f"belongs to stream {document['streamId']!r}"
        return _misnamed(document)

    def _event(self, name: str, document: Mapping[str, Any]) -> None:
        version = document["version"]
        if self._version is not None and version != self._version + 1:
            self._fault(name, f"follows version {self._version}")
        if document["prev"] != self._head:
            self._fault(name, "does not follow the event before it")
        if self._kept == (version, document["hash"]):
            self._kept = None
        self._version, self._head = version, document["hash"]
        self._events += 1

    def _fault(self, name: str, problem: str) -> None:
        if len(self._faults) < _FAULTS:
            self._faults.append(Fault(name, problem))


def document_problem(document: Mapping[str, Any]) -> str | None:
    """What is wrong with a document by itself, wherever it lies: its fields, its id, its hash. None: nothing."""
    problem = _malformed(document) or _misnamed(document)
    return problem or (None if document["hash"] == _hash(document) else _UNFIT)


def _misnamed(document: Mapping[str, Any]) -> str | None:
    outcome = str(document["id"]).startswith("-")
    name = outcome_id(document["commandId"]) if outcome else event_id(document["version"])
    return None if document["id"] == name else f"its id should be {name}"


def _malformed(document: Mapping[str, Any]) -> str | None:
    names = document.keys()
    if not names >= FIELDS:
        return f"has no {', '.join(sorted(FIELDS - names))}"
    if not names <= _KNOWN:
        return f"has {', '.join(sorted(names - _KNOWN))}, which no event has"
    if wrong := [name for name, kind in _TYPES.items() if type(document[name]) is not kind]:
        return f"{', '.join(wrong)}: not of the type that it was written with"
    if not 0 <= document["version"] <= MAX_VERSION:
        return "its version is out of range"
    return None


def _hash(document: Mapping[str, Any]) -> str:
    return link(
        document["prev"],
        stream=document["streamId"],
        version=document["version"],
        type_name=document["type"],
        schema=document["schema"],
        enc=document["enc"],
        state=document["state"],
        meta=document["meta"],
        command_id=document["commandId"],
    )
