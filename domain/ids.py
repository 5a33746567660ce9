"""Ids of the domain: what they look like, and how the steps of a process are named."""

import re
from typing import Final

from domain.errors import InvalidId

ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""The id of an account, an owner or a transfer."""


def step_id(*parts: object) -> str:
    """The command id of a step of a process. Clients name their commands in ASCII, so none of them can take it."""
    return "·".join(str(part) for part in parts)


def check_id(value: str) -> None:
    """Ids match `ID`."""
    if not ID.fullmatch(value):
        raise InvalidId(id=repr(value))
