"""Verifying an export: no database, no network, only the file and a public key."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from eventstore.documents import Document
from eventstore.verification import verify
from replay.audit.archive import KeptDigest
from replay.audit.digest import Digest
from replay.audit.errors import ExportUnreadable, SignatureWrong
from replay.audit.export import COLUMNS, FORMAT, GUARD
from replay.audit.heads import Head
from replay.audit.merkle import Root, root_by_proof
from replay.audit.verification import Broken, Verdict

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
    if digest is None or against is not None:
        return _verify_streams(_json_streams(path, lines), _Kept(against))
    sealed = Digest.from_document(digest, path)
    if key is None:
        raise SignatureWrong(f"{path} holds digest {sealed.number}: name the public key that you trust")
    sealed.check(key)
    return _verify_streams(_json_streams(path, lines), _Embedded(sealed, whole=header.get("scope") == "all"))


class _Kept:
    """Compares with a digest that lies elsewhere, with its heads; or with none."""

    def __init__(self, kept: KeptDigest | None) -> None:
        self.number = kept.digest.number if kept else None
        self._heads = {head.stream: head for head in kept.heads()} if kept else {}
        self.sealed = len(self._heads)

    def head(self, stream: _Stream) -> tuple[int, str] | None:
        head = self._heads.get(stream.name)
        return (head.version, head.hash) if head else None

    def problem(self, stream: _Stream) -> str | None:
        if self.number is not None and stream.name not in self._heads and any(_is_event(d) for d in stream.documents):
            return f"not in digest {self.number}: nobody vouches for it"
        return None

    def end(self) -> str | None:
        return None


class _Embedded:
    """Leads every head to the root of the digest that the file carries."""

    def __init__(self, digest: Digest, *, whole: bool) -> None:
        self.number: int | None = digest.number
        self.sealed = digest.streams
        self._digest = digest
        self._whole = whole
        self._root = Root()

    def head(self, stream: _Stream) -> tuple[int, str] | None:
        said = _said(stream)
        return said.version, said.hash

    def problem(self, stream: _Stream) -> str | None:
        said = _said(stream)
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
    verdict = Verdict(digest=reference.number, sealed=reference.sealed)
    for stream in streams:
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
    return Head(stream.name, version if isinstance(version, int) else -1, str(head.get("hash")))


def _is_event(document: Document) -> bool:
    return not str(document.get("id")).startswith("-")
