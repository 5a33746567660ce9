"""Formats of the audit: durations, counts, values."""

from datetime import date

from audit.ledger.money import money
from audit.trail.facts import Value


def duration(seconds: float) -> str:
    """For people: "0.4 s", "2 min 16 s", "3 h 5 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def counted(number: int, noun: str) -> str:
    """ "1 stream", "1,204 streams"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


_MONEY = frozenset(
    {"amount", "balance", "held", "available", "holds.total", "limits.debited", "limits.per_day", "limits.per_debit"}
)


def shown(name: str, value: Value, asset: str | None) -> str:
    """A fact for people: amounts with decimals, the minor units beside."""
    if value is None or (name, value) == ("limits.day", date.min.isoformat()):
        return "none"
    if asset and type(value) is int and (name in _MONEY or name.endswith(".amount")):
        return f"{money(value, asset)} ({value})"
    return str(value)
