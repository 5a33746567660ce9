"""Formats for people: durations, counts, times."""

from datetime import UTC, datetime


def duration(seconds: float) -> str:
    """For people: "0.4 s", "2 min 16 s", "3 h 5 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def counted(number: int, noun: str) -> str:
    """ "1 stream", "1,204 streams"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def moment(text: str) -> datetime:
    """A time in ISO 8601, in UTC; one without a zone is UTC.

    Raises:
        ValueError: it is none.
    """
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a time in ISO 8601, such as 2026-03-01T12:00:00Z") from None
