"""What one transaction of Cosmos DB holds, and which names Cosmos DB and Event Hubs both take.

Refused here, before anything is sent, with what is wrong and the numbers. The services would say only that it was too
much, and of a name perhaps long after it was stored: where a view makes it an id, or the relay a partition key.

    transactions, ids, partition keys   https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
    characters of ids                   https://learn.microsoft.com/dotnet/api/microsoft.azure.documents.resource.id
    partition keys of the hub           https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas
"""

import re
from collections.abc import Sequence
from typing import Final

import orjson

from eventstore.errors import CommandInvalid, EventTooLarge, NameInvalid, TooManyEvents
from eventstore.log.documents import Document

MAX_OPERATIONS: Final = 100
MAX_BYTES: Final = 2 * 1024 * 1024
"""Of one item, and of one request."""

MAX_ID: Final = 1_023
"""Bytes of a document's id."""
MAX_PARTITION_KEY: Final = 2_048
"""Bytes of a partition key of Cosmos DB."""
MAX_STREAM: Final = 128
"""Bytes of a stream's name. The hub takes partition keys of 128 characters, and no character is less than a byte; with
any prefix that a view or the relay gives it, such a name is well within an id and a partition key."""
MAX_COMMAND_ID: Final = 512
"""Characters of a command's id: a client's key of 255, and who the client is."""
_MAX_COMMAND_BYTES: Final = 1_000
"""With the number of an event behind it, and what marks an outcome before it, such an id fits an id."""

_NOT_IN_IDS: Final = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_IN_COMMANDS: Final = re.compile(r"[/\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_IN_KEYS: Final = re.compile(r"[\ud800-\udfff]")
"""Halves of a character, which UTF-8 has no bytes for."""
_SHOWN: Final = 80

_ENVELOPE: Final = 128
"""What the request adds to each document of a batch."""
_SURELY_SMALL: Final = 6_000
"""Field names, hashes and ids of one document are below this, and escaping makes no character longer than six."""


def check_limits(stream: str, documents: Sequence[Document]) -> None:
    """
    Raises:
        TooManyEvents: more than 100 documents.
        EventTooLarge: one of them over 2 MB, or all together.
    """
    if len(documents) > MAX_OPERATIONS:
        raise TooManyEvents(stream, len(documents), MAX_OPERATIONS)
    if sum(6 * (len(each["state"]) + len(each["meta"])) + _SURELY_SMALL for each in documents) <= MAX_BYTES:
        return
    total = sum(check_size(stream, f"version {each['version']}", each) + _ENVELOPE for each in documents)
    if total > MAX_BYTES and len(documents) > 1:
        raise EventTooLarge(stream, f"{len(documents)} events together", total, MAX_BYTES)


def check_size(stream: str, what: str, document: Document) -> int:
    """How many bytes a document has.

    Raises:
        EventTooLarge: over 2 MB.
    """
    size = len(orjson.dumps(document))
    if size > MAX_BYTES:
        raise EventTooLarge(stream, what, size, MAX_BYTES)
    return size


def check_stream(name: str) -> None:
    """
    Raises:
        NameInvalid: not a name that a stream can have in the log, in every view, and on the hub.
    """
    _check("stream", name, MAX_STREAM, _NOT_IN_IDS)


def check_id(name: str, *, what: str = "id") -> None:
    """
    Raises:
        NameInvalid: Cosmos DB, or its SDK, takes no document of this id. `what` says whose id it is.
    """
    _check(what, name, MAX_ID, _NOT_IN_IDS)


def check_partition_key(value: str, *, what: str = "partition key") -> None:
    """
    Raises:
        NameInvalid: Cosmos DB takes no document in this partition. `what` says whose it is.
    """
    if fault := _fault(value, MAX_PARTITION_KEY, _NOT_IN_KEYS):
        raise NameInvalid(what, _shown(value), fault, f"a partition key has at most {MAX_PARTITION_KEY} bytes of UTF-8")


def check_command_id(name: str) -> None:
    """
    Raises:
        CommandInvalid: not an id that a command can have.
    """
    if 0 < len(name) <= MAX_COMMAND_ID and not _fault(name, _MAX_COMMAND_BYTES, _NOT_IN_COMMANDS):
        return
    raise CommandInvalid(
        f"a command's id has 1 to {MAX_COMMAND_ID} characters of {_MAX_COMMAND_BYTES:,} bytes at most, no '/' and no "
        f"control characters, not {name[: MAX_COMMAND_ID + 1]!r}"
    )


def _check(what: str, name: str, most: int, forbidden: re.Pattern[str]) -> None:
    fault = _fault(name, most, forbidden)
    if not fault and name and not name.endswith(" "):
        return
    rule = f"a name has 1 to {most} bytes of UTF-8, no / \\ # ?, no control characters, and no space at its end"
    raise NameInvalid(what, _shown(name), fault or ("ends with a space" if name else "is empty"), rule)


def _fault(name: str, most: int, forbidden: re.Pattern[str]) -> str | None:
    if found := forbidden.search(name):
        return f"has the character {found[0]!r}"
    if 4 * len(name) > most and (size := len(name.encode())) > most:
        return f"has {size} bytes"
    return None


def _shown(name: str) -> str:
    return repr(name) if len(name) <= _SHOWN else f"{name[:_SHOWN]!r}…"
