"""Continuations of the feed: the tokens that say from which position a range is read."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from projectors.feed.ranges import FeedRange


def continuation(feed_range: FeedRange, lsn: int, rid: str) -> str:
    """The SDK's continuation token for "after `lsn` in this range", byte for byte."""
    scope = feed_range.document()
    token = {
        "v": "v2",
        "containerRid": rid,
        "mode": "LatestVersion",
        "startFrom": {"Type": "Beginning"},
        "continuation": {
            "v": "v2",
            "rid": rid,
            "continuation": [{"token": f'"{lsn}"', "range": scope}],
            "Range": scope,
        },
    }
    return base64.b64encode(json.dumps(token).encode()).decode()


def _lsn(etag: str | None) -> int | None:
    return int(etag.strip('"')) if etag else None


def _head(headers: Mapping[str, Any]) -> int | None:
    """The newest LSN, out of a session token `<range>:<version>#<lsn>[#<region>=<lsn>…]`."""
    token = str(headers.get("x-ms-session-token") or "")
    parts = token.partition(":")[2].split("#")
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None
