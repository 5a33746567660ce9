"""Page cursors: opaque to clients, base64url of a JSON array, format number first."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

import orjson

from projectors.errors import BadCursor

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """The page begins behind the item `key`, at the beginning when None."""

    key: str | None
    descending: bool

    def text(self) -> str:
        return urlsafe_b64encode(orjson.dumps([_FORMAT, self.key, self.descending])).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Raises BadCursor."""
        try:
            fields = orjson.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        except ValueError:
            raise BadCursor(text) from None
        match fields:
            case [1, str(key), bool(descending)]:
                return cls(key, descending)
        raise BadCursor(text)
