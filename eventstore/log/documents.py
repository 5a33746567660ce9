"""Event documents: what lies in the container `events`, one document per event, never replaced, never deleted.

    { "id": "0000000007", "streamId": "account-5f0c…", "version": 7, "type": "account.funds-credited", "schema": 1,
      "enc": "json", "state": "{…}", "meta": "{…}", "commandId": "…", "prev": "…", "hash": "…" }

`id` is the version, so that of two writers of one version one fails. `state` is the exact text of the event's bytes
(`enc` "json"), or their base64 (`enc` "base64") when they are not text, as after compression or encryption. `meta` is
JSON text. Both are strings on purpose: the bytes that were hashed are the bytes that are read back. A command's first
event carries the command's id as `commandId`, the others id/1, id/2 …: the container's unique key makes that at most
one effect of each command on a stream.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self, TypeAlias

import orjson

from eventstore.errors import EventNotStorable, MalformedDocument
from eventstore.log.chain import link

Document: TypeAlias = dict[str, Any]

JSON: Final = "json"
BASE64: Final = "base64"

MAX_VERSION: Final = 10**10 - 1
"""The last version whose id still sorts behind all before it."""

FIELDS: Final = frozenset(
    {"id", "streamId", "version", "type", "schema", "enc", "state", "meta", "commandId", "prev", "hash"}
)


def event_id(version: int) -> str:
    """The document id of a version: ten digits, so that ids sort as versions do."""
    if not 0 <= version <= MAX_VERSION:
        raise EventNotStorable(f"a version is a number from 0 to {MAX_VERSION}, not {version}")
    return f"{version:010d}"


def command_ids(command_id: str, count: int) -> list[str]:
    """The `commandId` of each of the `count` events of one command."""
    return [command_id, *(f"{command_id}/{number}" for number in range(1, count))]


def is_event(document: Mapping[str, Any]) -> bool:
    """Whether the document is an event, and not the outcome of a command that had no events
    (`eventstore.log.outcomes`)."""
    return not str(document["id"]).startswith("-")


def recorded_at(meta: str) -> str:
    """When an event was recorded, ISO 8601 with zone, out of its document's `meta`.

    Raises:
        MalformedDocument: `meta` is not what it should be.
    """
    try:
        return str(orjson.loads(meta)["recorded_at"])
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise MalformedDocument(f"not the meta of an event: {meta!r}: {error!r}") from error


def to_text(state: bytes) -> tuple[str, str]:
    """`(enc, text)` of stored bytes."""
    try:
        return JSON, state.decode()
    except UnicodeDecodeError:
        return BASE64, b64encode(state).decode()


def from_text(enc: str, text: str) -> bytes:
    """The stored bytes again.

    Raises:
        MalformedDocument: `enc` is neither "json" nor "base64", or the text is not base64.
    """
    if enc == JSON:
        return text.encode()
    if enc == BASE64:
        try:
            return b64decode(text, validate=True)
        except Base64Error as error:
            raise MalformedDocument(f"state is not base64: {error}") from None
    raise MalformedDocument(f'enc is "json" or "base64", not {enc!r}')


def sealed(
    document_id: str,
    *,
    stream: str,
    version: int,
    type_name: str,
    schema: int,
    state: bytes,
    meta: Mapping[str, Any],
    command_id: str,
    prev: str,
) -> Document:
    """A document with its hash, ready to be created."""
    enc, text = to_text(state)
    meta_text = orjson.dumps(meta).decode()
    return {
        "id": document_id,
        "streamId": stream,
        "version": version,
        "type": type_name,
        "schema": schema,
        "enc": enc,
        "state": text,
        "meta": meta_text,
        "commandId": command_id,
        "prev": prev,
        "hash": link(
            prev,
            stream=stream,
            version=version,
            type_name=type_name,
            schema=schema,
            enc=enc,
            state=text,
            meta=meta_text,
            command_id=command_id,
        ),
    }


class RecordedEvent(NamedTuple):
    """One event as it was recorded. A tuple, because whoever reads the log makes one for every event.

    `state` is the stored bytes, compressed or encrypted as they are. `meta` has `id` (UUID of the event) and
    `recorded_at` (ISO 8601), and what is known of `actor`, `reason`, `correlation`, `causation`, `traceparent`; on a
    command's first event also `fingerprint` (of the command's content), `count` (of its events) and `answer`. `lsn` is
    the transaction's number where the change feed gives one.
    """

    stream: str
    version: int
    type: str
    schema: int
    state: bytes
    enc: str
    meta: dict[str, Any]
    command_id: str
    prev: str
    hash: str
    lsn: int | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read an event document as Cosmos DB gives it back.

        Raises:
            MalformedDocument: a field is missing, or `state` or `meta` is not what its form says.
        """
        try:
            return cls(
                document["streamId"],
                document["version"],
                document["type"],
                document["schema"],
                from_text(document["enc"], document["state"]),
                document["enc"],
                orjson.loads(document["meta"]),
                document["commandId"],
                document["prev"],
                document["hash"],
                document.get("_lsn"),
            )
        except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError, MalformedDocument) as error:
            where = f"{document.get('streamId')!r}, id {document.get('id')!r}"
            raise MalformedDocument(f"not an event document: stream {where}: {error!r}") from error

    @property
    def recorded_at(self) -> str:
        """When the command was recorded, ISO 8601 with zone."""
        return str(self.meta["recorded_at"])
