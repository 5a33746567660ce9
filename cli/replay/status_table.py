"""Where every consumer and every view stands, as a table for people."""

from rich.table import Table

from audit.formats import duration
from projectors.lag import ConsumerLag
from projectors.throughput.retries import Retries
from replay.status import Status

_HEADINGS = ("view", "gen", "state", "lag", "behind", "events/s", "retries", "parked", "worker")
_NUMBERS = ("lag", "behind", "events/s", "parked")


def status_notes(found: Status) -> list[str]:
    """What the table has no column for, a line each."""
    return [
        f"{row.view} v{row.generation} was begun by other code: `tidemark replay rebuild {row.view}` makes it anew"
        for row in found.views
        if row.is_other_codes and row.state != "kept"
    ]


def status_table(found: Status) -> Table:
    """One row per generation of a view, then one per other consumer. Lag is in events, "~" before one reckoned."""
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left")
    for row in found.views:
        state = row.state + (f" by {row.by}" if row.by else "")
        _add(table, row.lag, row.view, f"v{row.generation}", state, parked=str(row.parked))
    for lag in found.consumers:
        _add(table, lag, lag.consumer, "", "consumer", parked="")
    return table


def _add(table: Table, lag: ConsumerLag, *names: str, parked: str) -> None:
    worked = "; ".join(("yes" if lag.owned else "no", *(f"stands still: {error}" for error in lag.errors)))
    if not lag.ranges:
        table.add_row(*names, "not begun", "", "", "", parked, worked)
        return
    events = f"{lag.events:,}" if lag.counted else f"~{lag.events:,}"
    rate = f"{lag.rate:,.1f}" if lag.rate < 10 else f"{lag.rate:,.0f}"
    table.add_row(*names, events, duration(lag.seconds), rate, _retries(lag.retries), parked, worked)


def _retries(retries: Retries) -> str:
    told = {"throttled": retries.throttled, "conflicts": retries.conflicts, "errors": retries.errors}
    return ", ".join(f"{count:,} {name}" for name, count in told.items() if count) or "0"
