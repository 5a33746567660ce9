"""An export verified as docs/audit.md says, with nothing of Tidemark: what an auditor would write for himself.

Only the standard library, and Ed25519 from a library. Written from the page "The algorithm" and the one of the hash
chain that it names; whatever is missing there is missing here.
"""

import base64
import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Wrong(Exception):
    """The export does not hold; the message says where."""


def n(value: object) -> bytes:
    data = str(value).encode()
    return str(len(data)).encode() + b":" + data + b","


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def genesis(stream: str) -> str:
    return sha(b"tidemark/stream/1\n" + n(stream))


def event_hash(e: dict[str, Any]) -> str:
    names = ("prev", "streamId", "version", "type", "schema", "enc", "state", "meta", "commandId")
    return sha(b"tidemark/event/1\n" + b"".join(n(e[name]) for name in names))


def refused(hashes: list[str]) -> str:
    return sha(b"tidemark/outcomes/1\n" + b"".join(map(n, hashes))) if hashes else ""


def leaf(stream: str, version: int, last: str, outcomes: str) -> bytes:
    return hashlib.sha256(b"\x00tidemark/head/1\n" + n(stream) + n(version) + n(last) + n(outcomes)).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node(root(leaves[:half]), root(leaves[half:]))


def climb(start: bytes, index: int, streams: int, proof: list[str]) -> bytes:
    here, last, rest = start, streams - 1, [bytes.fromhex(each) for each in proof]
    while last > 0:
        if index % 2:
            here = node(rest.pop(0), here)
        elif index < last:
            here = node(here, rest.pop(0))
        index //= 2
        last //= 2
    if rest:
        raise Wrong("hashes are left over")
    return here


def check_digest(d: dict[str, Any], key: bytes) -> None:
    if d["key"] != sha(key):
        raise Wrong("another key")
    names = ("number", "made_at", "database", "streams", "events", "outcomes", "root", "previous", "key")
    message = b"tidemark/digest/1\n" + b"".join(n(d[name]) for name in names)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(d["signature"]), message)
    except InvalidSignature:
        raise Wrong("signature") from None


def digest_id(d: dict[str, Any]) -> str:
    names = ("number", "made_at", "database", "streams", "events", "outcomes", "root", "previous", "key")
    message = b"tidemark/digest/1\n" + b"".join(n(d[name]) for name in names)
    return sha(b"tidemark/digest-id/1\n" + n(sha(message)) + n(d["signature"]))


def check_stream(outcomes: list[dict[str, Any]], events: list[dict[str, Any]], head: dict[str, Any]) -> bytes:
    stream = head["stream"]
    for document in outcomes + events:
        if document["streamId"] != stream or event_hash(document) != document["hash"]:
            raise Wrong(f"{stream} {document['id']}: hash")
    before, version = genesis(stream), None
    for event in events:
        if event["prev"] != before or (version is not None and event["version"] != version + 1):
            raise Wrong(f"{stream} version {event['version']}: order")
        before, version = event["hash"], event["version"]
    if (version or 0, before) != (head["version"], head["hash"]):
        raise Wrong(f"{stream}: head")
    if [each["id"] for each in outcomes] != sorted(each["id"] for each in outcomes):
        raise Wrong(f"{stream}: order of outcomes")
    if refused([each["hash"] for each in outcomes]) != head["outcomes"]:
        raise Wrong(f"{stream}: outcomes")
    return leaf(stream, head["version"], head["hash"], head["outcomes"])


def verify(path: Path, key: bytes) -> int:
    """How many events the export holds, all of them vouched for by `key`, the 32 bytes of the trusted public key."""
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    header = next(lines)["export"]
    digest = header["digest"]
    check_digest(digest, key)
    outcomes: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    leaves, count = [], 0
    for line in lines:
        ((kind, content),) = line.items()
        if kind == "outcome":
            outcomes.append(content)
        elif kind == "event":
            events.append(content)
        elif kind == "head":
            leaves.append(check_stream(outcomes, events, content))
            count += len(events)
            if header["scope"] == "streams":
                found = climb(leaves[-1], content["index"], digest["streams"], list(content["proof"]))
                if found.hex() != digest["root"]:
                    raise Wrong(f"{content['stream']}: root")
            outcomes, events = [], []
    if header["scope"] == "all" and (root(leaves).hex(), len(leaves)) != (digest["root"], digest["streams"]):
        raise Wrong("root")
    return count


def csv_documents(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: cell.removeprefix("'") for name, cell in row.items()}
