"""Where things lie in the container `views`."""

import hashlib
from dataclasses import dataclass

from eventstore.errors import NameInvalid
from eventstore.log.limits import check_id


@dataclass(frozen=True, slots=True)
class Place:
    """One document: its logical partition and its id."""

    partition: str
    id: str


def partition_key(view: str, generation: int, bucket: str) -> str:
    """The logical partition of a bucket of a view's generation; with an empty bucket, what all of them begin with."""
    return f"{view}@{generation}:{bucket}"


def stored_name(key: str) -> str:
    """A stream's key as ids and partition keys hold it: itself, or a digest of one that they cannot hold.

    Digests begin with "~", and so does the name of no key but by its digest: no two keys have one name.
    """
    try:
        check_id(f"~{key}")
    except NameInvalid:
        pass
    else:
        if not key.startswith("~"):
            return key
    return f"~{hashlib.blake2b(key.encode(errors='surrogatepass'), digest_size=16).hexdigest()}"


def consumer_name(view: str, generation: int) -> str:
    """The name under which a generation keeps its positions."""
    return f"{view}@{generation}"


GUARD_PREFIX = "~"
"""Guards sort behind every item, whose keys begin with a letter or a digit, or with `view.UNLISTED`."""
