"""What a view may keep: JSON values that come back as they were written, under names and in sizes that the store takes.

Checked here, because the store would say it late and of the whole batch, or not at all: it rounds large integers.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

import orjson

from eventstore.log.limits import MAX_BYTES
from projectors.errors import Rejected

MAX_BATCH: Final = MAX_BYTES - 64 * 1024
"""Bytes of a guard and what changes with it. The rest is kept for what is said of a stream once it is parked."""
_AS_IT_IS: Final = orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_UNENCODABLE: Final = (TypeError, ValueError, OverflowError, RecursionError)
_MAX_DEPTH: Final = 20
_ENVELOPE: Final = 100


def encoded(value: Any) -> bytes:
    """JSON, much as the SDK sends it.

    Raises:
        Rejected: there is no JSON for the value, or it would come back as another.
    """
    try:
        return orjson.dumps(value, option=_AS_IT_IS)
    except TypeError as error:
        raise _rejected(value, error) from error


def check_value(value: Any) -> None:
    """The same for what `encoded` lets pass for its speed: NaN, infinities, and enumerations or UUIDs as such.

    Raises:
        Rejected: the SDK or the store would refuse the value, or give it back as another.
    """
    try:
        json.dumps(value, allow_nan=False)
    except _UNENCODABLE as error:
        raise _rejected(value, error) from error
    encoded(value)


def size(operation: tuple[Any, ...]) -> int:
    """About how many bytes an operation of a batch is on the wire. Raises Rejected for what is no JSON."""
    return sum(len(encoded(part)) for part in operation[1]) + _ENVELOPE


def check_size(size: int) -> None:
    """
    Raises:
        Rejected: so many bytes do not fit into a batch.
    """
    if size > MAX_BATCH:
        raise Rejected(f"{size} bytes for a guard and what changes with it, a batch has room for {MAX_BATCH}")


def _rejected(value: Any, error: Exception) -> Rejected:
    return Rejected(f"{_where(value)}: {error}: views keep JSON values that Cosmos DB gives back as they are")


def _where(value: Any, path: str = "", depth: int = 0) -> str:
    """The path to a value that cannot be kept, within one that holds it."""
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    for name, child in inner:
        if depth < _MAX_DEPTH and not _is_value(child):
            return _where(child, f"{path}.{name}" if path else str(name), depth + 1)
    return path or "a value"


def _is_value(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
        orjson.dumps(value, option=_AS_IT_IS)
    except _UNENCODABLE:
        return False
    return True
