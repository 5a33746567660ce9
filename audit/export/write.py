"""The log, or some of its streams, in a file that proves itself without the database.

JSON lines, in this order:

    { "export": { "format": "tidemark/export/1", "database", "made_at", "scope": "all" or "streams",
                  "digest": {…} or null } }
    per stream, in the order of names:
        { "outcome": {…} }   commands without events, in the order of their ids: the stored document, eleven fields
        { "event": {…} }     events in the order of versions: the stored document, eleven fields
        { "head": { "stream", "version", "hash", "outcomes", "index", "proof": […] } }
    { "end": { "streams", "events", "outcomes" } }

With a digest, a stream has what the digest has of it: events as far as its head, and the outcomes that were there.
`outcomes` is over the outcomes that are in the file (`audit.digests.heads`). `index` and `proof` lead from a head to
the digest's root (`audit.digests.merkle`) where only some streams are exported; where all are, the root follows from
the heads.

CSV has the eleven fields and nothing else, one document per row. A cell that a spreadsheet would take for a formula
(or that begins with an apostrophe) has an apostrophe in front, which is not part of it.
"""

import csv
from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Protocol, TextIO

import orjson

from audit.digests.archive import KeptDigest
from audit.digests.heads import Head, OutcomesHash, by_stream
from audit.digests.merkle import Tree
from audit.errors import StreamUnknown
from audit.log import Log
from eventstore.log.chain import genesis
from eventstore.log.documents import Document, is_event

FORMAT: Final = "tidemark/export/1"
COLUMNS: Final = ("streamId", "id", "version", "type", "schema", "enc", "state", "meta", "commandId", "prev", "hash")
GUARD: Final = "'"
GUARDED: Final = ("=", "+", "-", "@", "\t", "\r", "\n", GUARD)

Format = Literal["jsonl", "csv"]


@dataclass(slots=True)
class Exported:
    """What went into a file."""

    streams: int = 0
    events: int = 0
    outcomes: int = 0


@dataclass(frozen=True, slots=True)
class Sealed:
    """A stream's head in a digest, the ids of its outcomes there, and the way from the head to the root."""

    head: Head
    outcomes: Container[str]
    index: int | None = None
    proof: list[str] = field(default_factory=list)


class _Writer(Protocol):
    def begin(self, header: dict[str, Any]) -> None: ...
    def document(self, document: Document) -> None: ...
    def head(self, head: dict[str, Any]) -> None: ...
    def end(self, counts: dict[str, Any]) -> None: ...


def export_log(
    log: Log,
    out: TextIO,
    *,
    form: Format,
    database: str,
    made_at: str,
    streams: Sequence[str] = (),
    digest: KeptDigest | None = None,
) -> Exported:
    """Write `streams`, or all of the log, as far as `digest` goes if there is one.

    Raises:
        StreamUnknown: a stream was named that is not there.
        DigestUnreadable: the digest's heads are not those that it seals.
    """
    writer: _Writer = _JsonLines(out) if form == "jsonl" else _Csv(out)
    header = {"format": FORMAT, "database": database, "made_at": made_at, "scope": "streams" if streams else "all"}
    writer.begin({**header, "digest": digest.digest.document() if digest else None})
    exported = Exported()
    for stream, sealed in _chosen(log, sorted(set(streams)), digest):
        _export_stream(log, writer, stream, sealed, exported)
    writer.end(asdict(exported))
    return exported


def _chosen(log: Log, streams: Sequence[str], digest: KeptDigest | None) -> Iterator[tuple[str, Sealed | None]]:
    if digest is None:
        yield from ((name, None) for name in streams or log.names())
        return
    heads = by_stream(digest.lines())
    if not streams:
        yield from ((head.stream, Sealed(head, outcomes)) for head, outcomes in heads)
        return
    leaves, found = [], {}
    for index, (head, outcomes) in enumerate(heads):
        leaves.append(head.leaf)
        if head.stream in streams:
            found[head.stream] = index, head, outcomes
    tree = Tree(leaves)
    for name in streams:
        if name not in found:
            raise StreamUnknown(name)
        index, head, outcomes = found[name]
        yield name, Sealed(head, outcomes, index, tree.proof(index))


def _export_stream(log: Log, writer: _Writer, stream: str, sealed: Sealed | None, exported: Exported) -> None:
    version, head, outcomes = 0, genesis(stream), OutcomesHash()
    found = False
    for document in log.partition(stream, upto=_last(sealed)):
        if sealed is not None and not is_event(document) and document["id"] not in sealed.outcomes:
            continue
        found = True
        writer.document({name: document[name] for name in COLUMNS if name in document})
        if is_event(document):
            version, head = document.get("version", 0), str(document.get("hash"))
            exported.events += 1
        else:
            outcomes.add(str(document.get("hash")))
            exported.outcomes += 1
    if not found and sealed is None:
        raise StreamUnknown(stream)
    exported.streams += 1
    said: dict[str, Any] = {"stream": stream, "version": version, "hash": head, "outcomes": outcomes.value()}
    if sealed is not None and sealed.index is not None:
        said |= {"index": sealed.index, "proof": sealed.proof}
    writer.head(said)


def _last(sealed: Sealed | None) -> int | None:
    """The last version to write; -1 before the first."""
    if sealed is None:
        return None
    return sealed.head.version if sealed.head.event else -1


class _JsonLines:
    def __init__(self, out: TextIO) -> None:
        self._out = out

    def _line(self, kind: str, content: dict[str, Any]) -> None:
        self._out.write(orjson.dumps({kind: content}).decode() + "\n")

    def begin(self, header: dict[str, Any]) -> None:
        self._line("export", header)

    def document(self, document: Document) -> None:
        self._line("event" if is_event(document) else "outcome", document)

    def head(self, head: dict[str, Any]) -> None:
        self._line("head", head)

    def end(self, counts: dict[str, Any]) -> None:
        self._line("end", counts)


class _Csv:
    def __init__(self, out: TextIO) -> None:
        self._rows = csv.writer(out, lineterminator="\r\n")

    def begin(self, header: dict[str, Any]) -> None:  # noqa: ARG002 - a table has one kind of row
        self._rows.writerow(COLUMNS)

    def document(self, document: Document) -> None:
        cells = (str(document.get(name, "")) for name in COLUMNS)
        self._rows.writerow([GUARD + cell if cell.startswith(GUARDED) else cell for cell in cells])

    def head(self, head: dict[str, Any]) -> None:
        """Follows from the last row of the stream."""

    def end(self, counts: dict[str, Any]) -> None:
        """The file ends."""
