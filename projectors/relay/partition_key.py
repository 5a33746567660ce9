"""The partition key of a stream on the hub."""

from hashlib import sha256
from typing import Final

LONGEST: Final = 128
"""Characters of a partition key, at most: https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas."""

_BEGINNING: Final = LONGEST - len("~") - 64


def partition_key(stream: str) -> str:
    """The stream's name; of one that is too long its beginning, and a hash in place of the rest: the same for every
    event of it, now and later, so that all of them lie in one hub partition. The event's subject is the whole name.
    """
    if len(stream) <= LONGEST:
        return stream
    return f"{stream[:_BEGINNING]}~{sha256(stream.encode()).hexdigest()}"
