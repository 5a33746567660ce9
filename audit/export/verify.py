"""Verifying an export: no database, no network, only the file and a public key."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.digests.archive import KeptDigest
from audit.digests.digest import Digest
from audit.digests.heads import Head, OutcomesHash, by_stream
from audit.digests.merkle import Root, root_by_proof
from audit.errors import ExportUnreadable, SignatureWrong
from audit.export.write import COLUMNS, FORMAT, GUARD
from audit.verification.verify import Broken, Verdict
from eventstore.log.documents import Document, is_event
from eventstore.log.verification import verify

_CELL: Final = 8 * 1024 * 1024
_SHORT: Final = "the file ends early"

_Line = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Stream:
    """What an export holds of one stream; `head` as the file says, None in CSV."""

    name: str
    documents: list[Document]
    head: dict[str, Any] | None


def verify_export(path: Path, *, key: Ed25519PublicKey | None = None, against: KeptDigest | None = None) -> Verdict:
    """Recompute every hash chain in the file, and its way to the signed digest in it, or to `against`.

    The verdict's `digest` is None if no digest was there to compare with: then only the chains are whole, and nobody
    vouches for their ends. Memory holds one stream.

    Raises:
        SignatureWrong: the digest in the file is not signed by `key`.
        ExportUnreadable: not an export.
    """
    if path.suffix == ".csv":
        return _verify_streams(_csv_streams(path), _Kept(against))
    lines = _lines(path)
    kind, header = next(lines, ("", {}))
    if kind != "export" or header.get("format") != FORMAT:
        raise ExportUnreadable(f"{path} is not an export of format {FORMAT}")
    digest = header.get("digest")
    whole = header.get("scope") == "all"
    if digest is None or against is not None:
        return _verify_streams(_json_streams(path, lines), _Kept(against, whole=whole))
    sealed = Digest.from_document(digest, path)
    if key is None:
        raise SignatureWrong(f"{path} holds digest {sealed.number}: name the public key that you trust")
    sealed.check(key)
    return _verify_streams(_json_streams(path, lines), _Embedded(sealed, whole=whole))


class _Kept:
    """Compares with a digest that lies elsewhere, with its heads; or with none. Both come in the order of names."""

    def __init__(self, kept: KeptDigest | None, *, whole: bool = False) -> None:
        self.number = kept.digest.number if kept else None
        self.sealed = kept.digest.streams if kept else 0
        self._whole = whole
        self._heads = by_stream(kept.lines()) if kept else iter(())
        self._next = next(self._heads, None)
        self._skipped: str | None = None

    def head(self, stream: _Stream) -> tuple[int, str] | None:
        while self._next is not None and self._next[0].stream < stream.name:
            self._skip()
        return self._next[0].event if self._next is not None and self._next[0].stream == stream.name else None

    def problem(self, stream: _Stream) -> str | None:
        if self._next is None or self._next[0].stream != stream.name:
            return f"not in digest {self.number}: nobody vouches for it" if self.number is not None else None
        found = {str(document.get("id")): document.get("hash") for document in stream.documents}
        lost = [name for name, sealed in self._next[1].items() if found.get(name) != sealed]
        self._next = next(self._heads, None)
        return f"outcome {lost[0]} is missing, or not as digest {self.number} has it" if lost else None

    def end(self) -> str | None:
        while self._next is not None:
            self._skip()
        if self._whole and self._skipped is not None:
            return f"{self._skipped} is missing: digest {self.number} has it"
        return None

    def _skip(self) -> None:
        if self._next is not None:
            self._skipped = self._skipped or self._next[0].stream
        self._next = next(self._heads, None)


class _Embedded:
    """Leads every head to the root of the digest that the file carries."""

    def __init__(self, digest: Digest, *, whole: bool) -> None:
        self.number: int | None = digest.number
        self.sealed = digest.streams
        self._digest = digest
        self._whole = whole
        self._root = Root()

    def head(self, stream: _Stream) -> tuple[int, str] | None:
        return _said(stream).event

    def problem(self, stream: _Stream) -> str | None:
        said = _said(stream)
        if _outcomes_of(stream) != said.outcomes:
            return "its commands without events are not those that its head is over"
        if self._whole:
            self._root.add(said.leaf)
            return None
        head = stream.head or {}
        index, proof = head.get("index"), head.get("proof")
        try:
            found = root_by_proof(said.leaf, int(str(index)), self._digest.streams, list(proof or []))
        except (ValueError, TypeError):
            found = None
        return None if found == self._digest.root else f"its head does not lead to the root of digest {self.number}"

    def end(self) -> str | None:
        if self._whole and (self._root.leaves, self._root.value()) != (self._digest.streams, self._digest.root):
            return (
                f"the file has {self._root.leaves} streams, digest {self.number} has {self._digest.streams} "
                "and another root: streams are missing, added or cut short"
            )
        return None


def _verify_streams(streams: Iterable[_Stream], reference: _Kept | _Embedded) -> Verdict:
    verdict, before = Verdict(digest=reference.number, sealed=reference.sealed), ""
    for stream in streams:
        if stream.name <= before:
            raise ExportUnreadable(
                f"stream {stream.name!r} is not in its place: an export has them in order, each once"
            )
        before = stream.name
        found = verify(stream.name, stream.documents, head=reference.head(stream))
        verdict.streams += 1
        verdict.events += found.events
        verdict.outcomes += found.outcomes
        problem = reference.problem(stream)
        if not found.sound:
            fault = found.faults[0]
            version = int(fault.document_id) if fault.document_id.isdecimal() else None
            verdict.add(Broken(stream.name, version, fault.problem))
        elif problem is not None:
            verdict.add(Broken(stream.name, found.version, problem))
    if (missing := reference.end()) is not None:
        verdict.add(Broken("(all)", None, missing))
    return verdict


def _json_streams(path: Path, lines: Iterator[_Line]) -> Iterator[_Stream]:
    documents: list[Document] = []
    streams = 0
    for kind, content in lines:
        if kind in ("event", "outcome"):
            documents.append(content)
        elif kind == "head":
            yield _Stream(str(content.get("stream")), documents, content)
            documents, streams = [], streams + 1
        elif kind == "end":
            if documents or content.get("streams") != streams or next(lines, None) is not None:
                raise ExportUnreadable(f"{path}: what it holds is not what its end says")
            return
        else:
            raise ExportUnreadable(f"{path}: a line of no known kind: {kind!r}")
    raise ExportUnreadable(f"{path}: {_SHORT}")


def _csv_streams(path: Path) -> Iterator[_Stream]:
    csv.field_size_limit(_CELL)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            if tuple(next(rows, ())) != COLUMNS:
                raise ExportUnreadable(f"{path} is not an export: its first row is not {','.join(COLUMNS)}")
            documents = (_document(path, row) for row in rows)
            for name, group in groupby(documents, key=lambda document: str(document["streamId"])):
                yield _Stream(name, list(group), None)
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise ExportUnreadable(f"{path} cannot be read: {error}") from None


def _document(path: Path, row: list[str]) -> Document:
    if len(row) != len(COLUMNS):
        raise ExportUnreadable(f"{path}: a row with {len(row)} cells")
    document: Document = dict(zip(COLUMNS, (cell.removeprefix(GUARD) for cell in row), strict=True))
    for name in ("version", "schema"):
        if document[name].isdecimal():
            document[name] = int(document[name])
    return document


def _lines(path: Path) -> Iterator[_Line]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                content = orjson.loads(line)
                ((kind, value),) = content.items()
                if not isinstance(value, dict):
                    raise ExportUnreadable(f"{path}, line {number}: not a line of an export")
                yield kind, value
    except OSError as error:
        raise ExportUnreadable(f"{path} cannot be read: {error.strerror}") from None
    except (orjson.JSONDecodeError, ValueError, AttributeError) as error:
        raise ExportUnreadable(f"{path} is not an export: {error}") from None


def _said(stream: _Stream) -> Head:
    head = stream.head or {}
    version = head.get("version")
    return Head(
        stream.name, version if isinstance(version, int) else -1, str(head.get("hash")), str(head.get("outcomes"))
    )


def _outcomes_of(stream: _Stream) -> str:
    hashed = OutcomesHash()
    for document in stream.documents:
        if not is_event(document):
            hashed.add(str(document.get("hash")))
    return hashed.value()
