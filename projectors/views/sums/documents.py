"""Sums as they are stored: one document per key and range, or one per key, name and range.

    { "id": "<key>@<range>", "pk": "view@generation:all", "lease", "key", "lsn", "sums": { name: sum } }
    { "id": "<key>@<range>@<hash of a name>", …             the same with one name, for a view whose names lie apart }

What a key comes to is the sum over all of its documents, of either kind. `lsn` is that of the guard in the batch that
wrote the document: what the range added to it since then is nothing. Documents of an earlier form have none.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from projectors.container import Document
from projectors.errors import BadSum
from projectors.views.sums.view import Sums, SumView, stored

MAX_BYTES = 900
"""Of a key or a name, in UTF-8: an id holds 1,023, of which range and hash take up to 99."""
_HASH = 32
_FORBIDDEN = "/\\?#@~"


class Part(NamedTuple):
    """The document that holds one or all sums of a key in a range. `name` is None for all."""

    key: str
    name: str | None

    def id(self, lease: str) -> str:
        if self.name is None:
            return f"{self.key}@{lease}"
        return f"{self.key}@{lease}@{hashlib.sha256(self.name.encode()).hexdigest()[:_HASH]}"


def parts_of(view: SumView, sums: Sums) -> Iterator[tuple[Part, dict[str, int]]]:
    """What is added to each document."""
    for key, amounts in sums.by_key.items():
        if view.apart:
            yield from ((Part(key, name), {name: amount}) for name, amount in amounts.items())
        elif amounts:
            yield Part(key, None), amounts


def count_parts(view: SumView, sums: Sums) -> int:
    return sum(map(len, sums.by_key.values())) if view.apart else len(sums.by_key)


def sum_document(partition: str, lease: str, part: Part, sums: dict[str, int], lsn: int) -> Document:
    return {"id": part.id(lease), "pk": partition, "lease": lease, "key": part.key, "lsn": lsn, "sums": stored(sums)}


def is_apart(document: Document) -> bool:
    """Whether the document holds one name of its key."""
    return bool(document["id"] != Part(document["key"], None).id(document["lease"]))


def check(sums: Sums) -> None:
    """Raises BadSum for what no store keeps: an event that adds it must not hold up all others."""
    for key, amounts in sums.by_key.items():
        if problem := _problem(key) or next((sign for sign in _FORBIDDEN if sign in key), None):
            raise BadSum(f"the key {_shown(key)} cannot be an id: {problem} does not fit into one")
        for name, amount in amounts.items():
            if problem := _problem(name):
                raise BadSum(f"the name {_shown(name)} of a sum of {_shown(key)} cannot be stored: {problem}")
            if type(amount) is not int:
                raise BadSum(f"{_shown(amount)} is no whole number: {_shown(name)} of {_shown(key)} is a sum of those")


@lru_cache(maxsize=10_000)
def _problem(text: Any) -> str | None:
    if not isinstance(text, str) or not text:
        return "what is no text, or an empty one,"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "what is no UTF-8"
    return f"more than {MAX_BYTES} bytes (it has {size:,})" if size > MAX_BYTES else None


def _shown(value: Any) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 100 else f"{shown[:100]}…"
