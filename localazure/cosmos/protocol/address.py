"""What a request's path names: a resource, or a feed of resources under an owner."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from localazure.cosmos.protocol.errors import BadRequest, NotFound

KINDS = frozenset({"dbs", "colls", "docs", "pkranges", "offers", "conflicts", "operations"})
_UNSUPPORTED = {
    "sprocs": "stored procedures",
    "triggers": "triggers",
    "udfs": "user-defined functions",
    "users": "users",
    "permissions": "permissions",
    "attachments": "attachments",
}


@dataclass(frozen=True, slots=True)
class Address:
    """`/dbs/a/colls/b/docs/c` names one item, `/dbs/a/colls/b/docs` the feed of a container's items."""

    kind: str
    """The kind of resource, empty for the account."""
    names: tuple[str, ...]
    """Decoded names from the database down."""
    is_feed: bool
    links: tuple[str, ...]
    """The resource link a signature may be made over: name-based, or the lower-case resource id alone."""

    database: str
    """Name or resource id of the database, empty when the path has none."""
    container: str
    """Name or resource id of the container, empty when the path has none."""


@lru_cache(maxsize=4096)
def parse_address(path: str) -> Address:
    """Read a raw, percent-encoded path; segments are split before they are decoded, so names may hold any character."""
    segments = [unquote(segment) for segment in path.strip("/").split("/")] if path.strip("/") else []
    kinds = segments[0::2]
    names = tuple(segments[1::2])
    for kind in kinds:
        if kind in _UNSUPPORTED:
            raise BadRequest(f"The local server has no {_UNSUPPORTED[kind]}.")
        if kind not in KINDS:
            raise NotFound(f"Nothing is served at '{path}'.")
    is_feed = len(kinds) > len(names)
    owner = segments[:-1] if is_feed else segments
    if "operations" in kinds:
        # An operation is signed as its container.
        owner = segments[: segments.index("operations")]
    links = ("/".join(owner), owner[-1].lower() if owner else "")
    kind = kinds[-1] if kinds else ""
    database = names[0] if names and kind != "offers" else ""
    return Address(kind, names, is_feed, links, database, names[1] if len(names) > 1 else "")
