"""Position tokens: what a command answers and a query may carry, "not before you have seen this".

A token is opaque to clients: base64url of a JSON array, format number first.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

import orjson

from eventstore.errors import InvalidPosition

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Position:
    """Version `version` of `stream`. `session` is the session token of Cosmos DB that saw it written, "" if unknown."""

    stream: str
    version: int
    session: str = ""

    @property
    def lsn(self) -> int | None:
        """The number of the transaction in its physical partition, from the session token (`range:generation#lsn…`)."""
        parts = self.session.rpartition(":")[2].split("#")
        number = parts[1] if len(parts) > 1 else parts[0]
        return int(number) if number.isdecimal() else None


def encode(stream: str, version: int, session: str = "") -> str:
    """The token of a position."""
    return urlsafe_b64encode(orjson.dumps([_FORMAT, stream, version, session])).decode().rstrip("=")


def decode(token: str) -> Position:
    """The position of a token.

    Raises:
        InvalidPosition: the token is not one that `encode` made.
    """
    try:
        fields = orjson.loads(urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4)))
    except ValueError:
        raise InvalidPosition("not a position token: send back what a command answered, unchanged") from None
    match fields:
        case [1, str(stream), int(version), str(session)] if stream and version >= 0 and version is not True:
            return Position(stream, version, session)
    raise InvalidPosition("not a position token of this version: send back what a command answered, unchanged")
