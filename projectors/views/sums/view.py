"""A view over many streams: sums by key, such as totals of an asset per day.

    class Turnover(SumView):
        name = "turnover"
        category = "account"

        @on(Account.FundsCredited)
        def credited(self, sums: Sums, event: Account.FundsCredited) -> None:
            sums.add(event.asset, credited=event.amount)

What is added may come in any order and from several ranges at a time, so only sums will do: no balances, no "last".
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from projectors.views.view import View

Exact: TypeAlias = int | str
"""A whole number: text beyond MAX_EXACT."""

MAX_EXACT: Final = 2**53 - 1
"""The largest number up to which every reader of JSON keeps integers exact (RFC 8259, section 6)."""

BUCKET = "all"
"""All sums of a generation lie in one partition, so that a batch can hold them together with their guard."""


class Sums:
    """What events add, by key. Keys sort as the view wants them read, and have none of the characters / \\ ? # @ ~.

    Keys and names have at most 900 bytes; amounts are whole numbers.
    """

    __slots__ = ("by_key",)

    def __init__(self) -> None:
        self.by_key: dict[str, dict[str, int]] = {}

    def add(self, key: str, /, **amounts: int) -> None:
        """Adds to the sums of a key; amounts may be negative."""
        sums = self.by_key.setdefault(key, {})
        for name, amount in amounts.items():
            sums[name] = sums.get(name, 0) + amount


class SumView(View):
    """A view whose items are sums over all streams of a category.

    `apart` is for keys whose names have no bound, e.g. one for each account of an owner: each name then has a document
    of its own instead of a field in the key's, which would grow until no store takes it. It may be turned on and off
    at any time, without a rebuild.
    """

    apart = False

    def apply(self, sums: Sums, event: Any) -> None:
        """Adds one event of a class that the view handles."""
        getattr(self, self._methods[type(event)])(sums, event)


def exact(amount: int) -> Exact:
    """The amount as documents and answers have it: a number where every reader keeps it as it is, else decimal text.

    Cosmos DB and JavaScript keep numbers as IEEE doubles: beyond 2^53 they are rounded, and nobody is told.
    """
    return amount if -MAX_EXACT <= amount <= MAX_EXACT else str(amount)


def whole(value: Exact) -> int:
    """The amount again; of a number that a store gives back as a float, too."""
    return int(value)


def plus(sums: Mapping[str, Exact], more: Mapping[str, Exact]) -> dict[str, int]:
    """The sums, stored or not, added up by name."""
    return {name: whole(sums.get(name, 0)) + whole(more.get(name, 0)) for name in sorted(sums.keys() | more.keys())}


def stored(sums: Mapping[str, int]) -> dict[str, Exact]:
    """The sums as documents have them, and as they are compared."""
    return {name: exact(amount) for name, amount in sums.items()}
