"""ISO 8601 UTC texts <-> ticks of 100 ns since 1970, as the date functions need them.

``YYYY-MM-DD[Thh:mm[:ss[.f…]]][Z]``, up to seven digits of a second; an offset other than Z is not UTC and not valid.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

SECOND: Final = 10_000_000
DAY: Final = 86_400 * SECOND
_EPOCH: Final = date(1970, 1, 1).toordinal()
_EARLIEST: Final = (date.min.toordinal() - _EPOCH) * DAY
_LATEST: Final = (date.max.toordinal() - _EPOCH + 1) * DAY - 1
_TEXT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?Z?",
    re.ASCII,
)


class Calendar(NamedTuple):
    """A moment as the calendar shows it; ``ticks`` are those since midnight."""

    year: int
    month: int
    day: int
    ticks: int


@lru_cache(maxsize=4096)
def parse(text: str) -> int | None:
    """Ticks of a text; None if it is not a moment in UTC."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups()[:6])
    fraction = int((match[7] or "").ljust(7, "0"))
    return compose(year, month, day, ((hour, 23), (minute, 59), (second, 59), (fraction, SECOND - 1)))


def compose(year: int, month: int, day: int, clock: tuple[tuple[int, int], ...]) -> int | None:
    """Ticks of a date and (value, greatest) pairs for hour, minute, second and fraction; None if there is no such."""
    if any(not 0 <= value <= most for value, most in clock):
        return None
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except (ValueError, OverflowError):
        return None
    (hour, _), (minute, _), (second, _), (fraction, _) = clock
    return days * DAY + ((hour * 60 + minute) * 60 + second) * SECOND + fraction


def calendar(ticks: int) -> Calendar:
    """The calendar's view of ticks that ``valid`` accepts."""
    days, rest = divmod(ticks, DAY)
    day = date.fromordinal(days + _EPOCH)
    return Calendar(day.year, day.month, day.day, rest)


def valid(ticks: int) -> bool:
    """Whether these ticks fall in the years 1 to 9999."""
    return _EARLIEST <= ticks <= _LATEST


def add_months(ticks: int, months: int) -> int | None:
    """The same day some months on, or the last day of a shorter month."""
    year, month, day, rest = calendar(ticks)
    years, month = divmod(year * 12 + month - 1 + months, 12)
    if not 1 <= years <= 9999:
        return None
    last = monthrange(years, month + 1)[1]
    return (date(years, month + 1, min(day, last)).toordinal() - _EPOCH) * DAY + rest


def text(ticks: int) -> str:
    """``2020-01-31T12:00:00.0000000Z``."""
    year, month, day, rest = calendar(ticks)
    seconds, fraction = divmod(rest, SECOND)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:07d}"
    return f"{year:04d}-{month:02d}-{day:02d}T{clock}Z"
