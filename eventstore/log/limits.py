"""What one transaction of Cosmos DB holds: https://learn.microsoft.com/azure/cosmos-db/concepts-limits.

Refused here, before anything is sent, and with the numbers; the service would say only that it was too much.
"""

from collections.abc import Sequence
from typing import Final

import orjson

from eventstore.errors import EventTooLarge, TooManyEvents
from eventstore.log.documents import Document

MAX_OPERATIONS: Final = 100
MAX_BYTES: Final = 2 * 1024 * 1024
"""Of one item, and of one request."""

_ENVELOPE: Final = 128
"""What the request adds to each document of a batch."""
_SURELY_SMALL: Final = 6_000
"""Field names, hashes and ids of one document are below this, and escaping makes no character longer than six."""


def check_limits(stream: str, documents: Sequence[Document]) -> None:
    """
    Raises:
        TooManyEvents: more than 100 documents.
        EventTooLarge: one of them over 2 MB, or all together.
    """
    if len(documents) > MAX_OPERATIONS:
        raise TooManyEvents(stream, len(documents), MAX_OPERATIONS)
    if sum(6 * (len(each["state"]) + len(each["meta"])) + _SURELY_SMALL for each in documents) <= MAX_BYTES:
        return
    total = 0
    for document in documents:
        size = len(orjson.dumps(document))
        if size > MAX_BYTES:
            raise EventTooLarge(stream, f"version {document['version']}", size, MAX_BYTES)
        total += size + _ENVELOPE
    if total > MAX_BYTES and len(documents) > 1:
        raise EventTooLarge(stream, f"{len(documents)} events together", total, MAX_BYTES)
