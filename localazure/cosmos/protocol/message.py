"""One request and one answer, the same over HTTP and in process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(slots=True)
class Request:
    """A request as it arrives: raw (percent-encoded) path, lower-case header names, undecoded body."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    base_url: str = ""
    """Scheme and authority the client used, with a closing slash: what the account advertises as its endpoint."""


@dataclass(slots=True)
class Response:
    """An answer: status, body, and headers with lower-case names."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_bytes(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    return orjson.dumps(value)
