"""Compares two generations of a view while the log goes on.

What differs may be lag, or a stream that was written to while its documents were being read, page by page; for sums
over ranges even one and the same position can be reached in different ways. So it is looked at again, one by one,
against a plain fold of the log up to exactly the version that each side has. Once there is no doubt that the two sides
differ, what has the same version on both is taken for what it seems.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from replay.contents.hashing import Contents, digest_of

_NO_DOUBT = 20
"""Differences: a view whose code has changed has one in every stream, and each costs a read of its log."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left` and `right` are the digests of the two sides; they agree when nothing is `different`.

    `streams` and `items` count the right side. What seemed to differ counts in both digests alike once it was found
    right on both; `settled` says how much that was.
    """

    streams: int
    items: int
    left: str
    right: str
    different: list[str]
    settled: int

    @property
    def agrees(self) -> bool:
        return not self.different


def compare(left: Iterable[Contents], right: Iterable[Contents], *, settle: Callable[[str], bool]) -> Comparison:
    """Everything on both sides; `settle` says whether a stream is right on both, each at its own version."""
    one = {contents.name: contents for contents in left}
    other = {contents.name: contents for contents in right}
    different: list[str] = []
    settled = 0
    for name in one.keys() | other.keys():
        first, second = one.get(name, Contents.nothing(name)), other.get(name, Contents.nothing(name))
        if first.hash == second.hash:
            continue
        seems_sure = first.version == second.version and len(different) >= _NO_DOUBT
        if seems_sure or not settle(name):
            different.append(name)
            continue
        settled += 1
        one[name] = other[name] = max(first, second, key=lambda contents: contents.version)
    return Comparison(
        streams=len(other),
        items=sum(contents.items for contents in other.values()),
        left=digest_of(one.values()),
        right=digest_of(other.values()),
        different=sorted(different),
        settled=settled,
    )
