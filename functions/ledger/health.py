"""Health of a ledger: is money conserved, and has any transfer got stuck?"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from audit.ledger.money import decimal
from domain.ledger.transfer import transfer_stream
from functions.audit.checks import Cell, Check, Row, Sources, Verdict
from projectors.generations.generation import partition_key
from projectors.ledger.transfers.open_transfers import OpenTransfers

__all__ = ["HEALTH"]

STUCK_AFTER: Final = timedelta(minutes=1)
_LISTED: Final = 50
_PART: Final = 2**26
_OF_ASSET: Final = "FROM c WHERE STARTSWITH(c.pk, @prefix) AND c.state.asset = @asset"
_HIGH: Final = f"SELECT VALUE SUM(FLOOR(c.state.balance / {_PART})) {_OF_ASSET}"
_LOW: Final = f"SELECT VALUE SUM(c.state.balance - {_PART} * FLOOR(c.state.balance / {_PART})) {_OF_ASSET}"
"""A balance has 53 bits, and so has a sum in a query: sums of halves stay exact for 100 million accounts."""
_WORDS: Final[dict[Verdict, str]] = {"good": "conserved", "moving": "moving, look again", "bad": "NOT conserved"}


def _conservation(sources: Sources) -> Sequence[Row]:
    """A row per asset: what accounts hold, and what they should hold by what came in, left, and is on the way."""
    flows = _flows(sources)
    accounts = {asset: _balances(sources, asset) for asset in flows}
    at_rest = sources.at_rest and _flows(sources) == flows
    found = []
    for asset, (outside, on_the_way) in sorted(flows.items()):
        verdict: Verdict = "bad" if at_rest else "moving"
        if accounts[asset] == outside + on_the_way:
            verdict = "good"
        amounts = [Cell(decimal(amount, asset), number=True) for amount in (accounts[asset], outside, on_the_way)]
        found.append(Row([Cell(asset), *amounts], verdict, _WORDS[verdict]))
    return found


def _flows(sources: Sources) -> dict[str, tuple[int, int]]:
    """(from outside less to outside, credited by transfers less debited by them), by asset."""
    sums: dict[str, defaultdict[str, int]] = {}
    for key, amounts in sources.views.sums("ledger-totals", "!", "~").data.items():
        asset = key.partition(":")[0].replace("-", "/")
        day = sums.setdefault(asset, defaultdict(int))
        for name, amount in amounts.items():
            day[name] += amount
    return {
        asset: (
            total["deposits"] - total["withdrawals"] - total["captures"],
            total["transfers_in"] - total["transfers_out"],
        )
        for asset, total in sums.items()
    }


def _balances(sources: Sources, asset: str) -> int:
    serving = sources.stores.registry.of("account-summary").serving
    prefix = partition_key("account-summary", serving, "")
    high, low = (
        sum(int(row) for row in sources.stores.views.query(half, prefix=prefix, asset=asset))  # type: ignore[call-overload]
        for half in (_HIGH, _LOW)
    )
    return int(high * _PART + low)


def _stuck(sources: Sources) -> Sequence[Row]:
    """A row per transfer that has been open for longer than STUCK_AFTER."""
    waiting = OpenTransfers(sources.stores).requested_until(sources.now - STUCK_AFTER)
    return [
        Row([Cell(each.transfer_id, transfer_stream(each.transfer_id)), Cell(each.requested_at.isoformat())], "bad")
        for each in waiting[:_LISTED]
    ]


HEALTH: Final = (
    Check(
        "conservation",
        "Conservation of money",
        "what accounts hold = what came in, less what left, plus credits whose source is still to be debited",
        ("Asset", "Accounts hold", "In less out", "On the way"),
        _conservation,
        "No money has moved yet.",
    ),
    Check("stuck", "Stuck transfers", "open for more than a minute", ("Transfer", "Requested"), _stuck, "None."),
)
