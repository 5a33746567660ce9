"""A view over many streams: sums by key, such as totals of an asset per day.

    class Turnover(SumView):
        name = "turnover"
        category = "account"

        @on(Account.FundsCredited)
        def credited(self, sums: Sums, event: Account.FundsCredited) -> None:
            sums.add(event.asset, credited=event.amount)

What is added may come in any order and from several ranges at a time, so only sums will do: no balances, no "last".
"""

from typing import Any

from projectors.views.view import View

BUCKET = "all"
"""All sums of a generation lie in one partition, so that a batch can hold them together with their guard."""


class Sums:
    """What events add, by key. Keys sort as the view wants them read, and have none of the characters / \\ ? # @ ~."""

    __slots__ = ("by_key",)

    def __init__(self) -> None:
        self.by_key: dict[str, dict[str, int]] = {}

    def add(self, key: str, /, **amounts: int) -> None:
        """Adds to the sums of a key; amounts may be negative."""
        sums = self.by_key.setdefault(key, {})
        for name, amount in amounts.items():
            sums[name] = sums.get(name, 0) + amount


class SumView(View):
    """A view whose items are sums over all streams of a category."""

    def apply(self, sums: Sums, event: Any) -> None:
        """Adds one event of a class that the view handles."""
        getattr(self, self._methods[type(event)])(sums, event)


def plus(sums: dict[str, int], more: dict[str, int]) -> dict[str, int]:
    """The sums, added up by name."""
    return {name: sums.get(name, 0) + more.get(name, 0) for name in sorted(sums.keys() | more.keys())}
