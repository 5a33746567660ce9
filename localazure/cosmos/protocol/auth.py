"""The signature of a request: HMAC-SHA256 with the account's key.

Source: https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from functools import lru_cache, partial
from urllib.parse import unquote

from localazure.cosmos.protocol.address import Address
from localazure.cosmos.protocol.errors import Unauthorized
from localazure.cosmos.protocol.message import Request

EMULATOR_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
"""The account key that Microsoft publishes for its own emulator: a constant, not a secret."""

_USUAL = "type%3Dmaster%26ver%3D1.0%26sig%3D"
_HINT = (
    "The input authorization token can't serve the request. Check that the client uses this server's account key "
    "and signs the verb, resource type, resource link and x-ms-date it sends."
)


class Signatures:
    """Checks requests against one account key."""

    def __init__(self, key: str) -> None:
        # A busy client sends the same signature again and again: its date has whole seconds.
        self._check = lru_cache(maxsize=256)(partial(_check, base64.b64decode(key)))

    def check(self, request: Request, address: Address) -> None:
        """Raise `Unauthorized` unless the request is signed with the account's key."""
        header = request.headers.get
        self._check(
            request.method,
            address.kind,
            address.links,
            header("x-ms-date", ""),
            header("date", ""),
            header("authorization", ""),
        )


def _check(secret: bytes, method: str, kind: str, links: Sequence[str], x_date: str, date: str, header: str) -> None:
    given = _signature(header)
    if given is None:
        raise Unauthorized("The request has no authorization header of the form type=master&ver=1.0&sig=…")
    # Clients that cannot set Date (browsers, some HTTP stacks) sign an empty one although a proxy adds it.
    dates = [(x_date, date), (x_date, "")] if x_date and date else [(x_date, date)]
    signed_kind = "colls" if kind == "operations" else kind
    for link in links:
        for first, second in dates:
            text = f"{method.lower()}\n{signed_kind}\n{link}\n{first.lower()}\n{second.lower()}\n"
            if hmac.compare_digest(given, base64.b64encode(hmac.digest(secret, text.encode(), "sha256")).decode()):
                return
    raise Unauthorized(_HINT)


def _signature(header: str) -> str | None:
    if header.startswith(_USUAL):
        return header[len(_USUAL) :].replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
    parts = dict(part.partition("=")[::2] for part in unquote(header).split("&"))
    if parts.get("type") != "master" or parts.get("ver") != "1.0":
        return None
    return parts.get("sig")
