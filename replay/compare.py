"""Compares two accounts of the same streams while the log goes on.

Streams at the same version must be the same. Streams at different versions are only lag, as far as one can see: they
are looked at again, one by one, against a plain fold of the log up to exactly the version that each side has.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from replay.contents import Contents, digest_of


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left` and `right` are the digests; they agree when `different` is empty.

    A stream that lagged on one side counts in both digests as it was found right at last; `settled` says how many.
    """

    streams: int
    items: int
    left: str
    right: str
    different: list[str]
    settled: int

    @property
    def agrees(self) -> bool:
        return not self.different and self.left == self.right


Right = Callable[[str], bool]
"""Whether a stream is right on both sides, each at its own version."""


def compare(left: Iterable[Contents], right: Iterable[Contents], *, is_right: Right) -> Comparison:
    """Every stream of both sides. `is_right` settles those whose versions differ."""
    known = {contents.stream: contents for contents in left}
    seen = {contents.stream: contents for contents in right}
    different, settled = [], 0
    for stream in known.keys() | seen.keys():
        one, other = known.get(stream), seen.get(stream)
        if one is not None and other is not None and one.hash == other.hash:
            continue
        same_version = one is not None and other is not None and one.version == other.version
        if same_version or not is_right(stream):
            different.append(stream)
            continue
        settled += 1
        agreed = max((found for found in (one, other) if found is not None), key=lambda found: found.version)
        known[stream] = seen[stream] = replace(agreed)
    return Comparison(
        streams=len(seen),
        items=sum(contents.items for contents in seen.values()),
        left=digest_of(known[stream] for stream in sorted(known)),
        right=digest_of(seen[stream] for stream in sorted(seen)),
        different=sorted(different),
        settled=settled,
    )
