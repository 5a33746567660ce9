"""Where things lie in the container `views`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One document: its logical partition and its id."""

    partition: str
    id: str


def partition_key(view: str, generation: int, bucket: str) -> str:
    """The logical partition of a bucket of a view's generation; with an empty bucket, what all of them begin with."""
    return f"{view}@{generation}:{bucket}"


def consumer_name(view: str, generation: int) -> str:
    """The name under which a generation keeps its positions."""
    return f"{view}@{generation}"


GUARD_PREFIX = "~"
"""Guards sort behind every item, whose keys begin with a letter or a digit."""
