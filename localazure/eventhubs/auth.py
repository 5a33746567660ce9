"""Shared access signatures: `SharedAccessSignature sr=…&sig=…&se=…&skn=…`.

The signature is HMAC-SHA256 with the policy's key over the still quoted resource, a line feed and the expiry (seconds):
https://learn.microsoft.com/rest/api/eventhub/generate-sas-token
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import unquote_plus, urlsplit

from localazure.eventhubs.errors import Unauthorized

_PREFIX = "SharedAccessSignature "


def check_token(token: str, audience: str, keys: Mapping[str, str]) -> None:
    """Raises Unauthorized, with what to mend, unless the token is valid for the audience (`sb://host/hub`)."""
    if not token.startswith(_PREFIX):
        raise Unauthorized("the token is no shared access signature; this server knows SAS keys only")
    parts = dict(part.partition("=")[::2] for part in token[len(_PREFIX) :].split("&"))
    missing = [name for name in ("sr", "sig", "se", "skn") if not parts.get(name)]
    if missing:
        raise Unauthorized(f"the shared access signature lacks {', '.join(missing)}")
    policy = unquote_plus(parts["skn"])
    key = keys.get(policy)
    if key is None:
        raise Unauthorized(f"there is no policy {policy!r} here; SharedAccessKeyName is one of {', '.join(keys)}")
    expected = base64.b64encode(
        hmac.new(key.encode(), f"{parts['sr']}\n{parts['se']}".encode(), hashlib.sha256).digest()
    ).decode()
    if not hmac.compare_digest(expected.encode(), unquote_plus(parts["sig"]).encode()):
        raise Unauthorized(f"the signature does not fit: SharedAccessKey is not the key of policy {policy!r}")
    if not parts["se"].isdigit() or int(parts["se"]) < time.time():
        raise Unauthorized(f"the shared access signature expired at {parts['se']} (seconds since 1970)")
    if not _covers(unquote_plus(parts["sr"]), audience):
        raise Unauthorized(f"the shared access signature is for {unquote_plus(parts['sr'])!r}, not {audience!r}")


def hub_of(audience: str) -> str:
    """The hub's name in a resource such as `sb://host/hub/ConsumerGroups/…`, empty when there is none."""
    return _path(audience).partition("/")[0]


def _covers(resource: str, audience: str) -> bool:
    scope, path = _path(resource).lower(), _path(audience).lower()
    return scope in ("", path) or path.startswith(f"{scope}/")


def _path(uri: str) -> str:
    return urlsplit(uri if "://" in uri else f"sb://{uri}").path.strip("/")
