"""What every stored resource has: an id that is valid, an etag, a time stamp; and the database, which has no more."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote

from localazure.cosmos.protocol.errors import BadRequest
from localazure.cosmos.storage import rid
from localazure.cosmos.storage.limits import ITEM_ID_BYTES, NAME_CHARACTERS

_SURELY_SHORT = ITEM_ID_BYTES // 4
"""Characters that fit whatever they are: none has more than four bytes."""
_FORBIDDEN = re.compile(r"[/\\?#]").search
_FORBIDDEN_IN_ITEMS = re.compile(r"[/\\]").search


def check_id(body: Mapping[str, Any]) -> str:
    """The `id` of a database or container, if the service would take it."""
    name = _given(body, NAME_CHARACTERS)
    if len(name) > NAME_CHARACTERS:
        raise BadRequest(f"The input name has {len(name)} characters. {_wanted(NAME_CHARACTERS)}")
    if _FORBIDDEN(name):
        raise BadRequest(f"The input name '{name}' is invalid: it may not contain '/', '\\', '?' or '#'.")
    return name


def check_item_id(item: Mapping[str, Any]) -> str:
    """The `id` of an item, if the service would take it.

    The service refuses less than some SDKs do: azure-cosmos for Python sends no id with '?' or '#' either.
    """
    name = item.get("id")
    if type(name) is str and 0 < len(name) <= _SURELY_SHORT and (name.isalnum() or not _FORBIDDEN_IN_ITEMS(name)):
        return name
    name = _given(item, ITEM_ID_BYTES + 1)
    size = len(name.encode())
    if size > ITEM_ID_BYTES:
        raise BadRequest(f"The input name has {size} bytes. {_wanted(ITEM_ID_BYTES + 1)}")
    if _FORBIDDEN_IN_ITEMS(name):
        raise BadRequest(f"The input name '{name}' is invalid: it may not contain '/' or '\\'.")
    return name


def are_item_ids(names: Sequence[Any]) -> bool:
    """Whether these are valid ids of items for sure: none is near the limit."""
    try:
        return (
            all(map(len, names)) and max(map(len, names)) <= _SURELY_SHORT and not _FORBIDDEN_IN_ITEMS("".join(names))
        )
    except TypeError:  # one of them is not a string
        return False


def _given(body: Mapping[str, Any], limit: int) -> str:
    name = body.get("id")
    if name is None:
        raise BadRequest("The input content is invalid because the required properties - 'id; ' - are missing.")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"The input name is empty or not a string. {_wanted(limit)}")
    return name


def _wanted(characters: int) -> str:
    return f"Ensure to provide a unique non-empty string less than '{characters}' characters."


def now() -> int:
    """The service's clock: whole seconds since 1970."""
    return int(time.time())


def stamp(body: dict[str, Any]) -> dict[str, Any]:
    """Give a changed metadata resource a new etag and time stamp."""
    body["_etag"] = f'"{uuid.uuid4()}"'
    body["_ts"] = now()
    return body


def content_paths(link: str, rid: str) -> dict[str, str]:
    """The headers that say what an answer is of: the link made of names, percent-encoded, and the resource id."""
    return {"x-ms-alt-content-path": link, "x-ms-content-path": rid}


class Contained(Protocol):
    """What a database has to know of a container: its name, and its resource id as text."""

    id: str
    rid: str


C = TypeVar("C", bound=Contained)


@dataclass(eq=False, slots=True)
class Database(Generic[C]):
    """A database and the containers in it."""

    id: str
    """The name."""
    number: int
    rid_bytes: bytes
    rid: str
    """The resource id as text."""
    paths: dict[str, str]
    """The headers that say of an answer that it is of this database."""
    body: dict[str, Any]
    containers: dict[str, C] = field(default_factory=dict)
    containers_by_rid: dict[str, C] = field(default_factory=dict)

    @staticmethod
    def build(number: int, body: dict[str, Any]) -> Database[C]:
        """Put the system properties in place."""
        raw = rid.database_rid(number)
        text = rid.encode(raw)
        body |= {"_rid": text, "_self": f"dbs/{text}/", "_colls": "colls/", "_users": "users/"}
        name = str(body["id"])
        return Database(name, number, raw, text, content_paths(f"dbs/{quote(name)}", text), body)

    def add(self, container: C) -> None:
        """Make a container findable."""
        self.containers[container.id] = container
        self.containers_by_rid[container.rid] = container

    def remove(self, container: C) -> None:
        """Forget a container."""
        self.containers.pop(container.id, None)
        self.containers_by_rid.pop(container.rid, None)
