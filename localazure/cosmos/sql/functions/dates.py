"""Date and time functions, by Microsoft's reference pages (learn.microsoft.com/cosmos-db/query)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from localazure.cosmos.sql.functions import instants
from localazure.cosmos.sql.functions.function import Function, whole
from localazure.cosmos.sql.functions.instants import DAY, SECOND
from localazure.cosmos.sql.values import UNDEFINED

_PARTS: Final = {
    **dict.fromkeys(("year", "yyyy", "yy"), "year"),
    **dict.fromkeys(("month", "mm", "m"), "month"),
    **dict.fromkeys(("day", "dd", "d"), "day"),
    **dict.fromkeys(("hour", "hh"), "hour"),
    **dict.fromkeys(("minute", "mi", "n"), "minute"),
    **dict.fromkeys(("second", "ss", "s"), "second"),
    **dict.fromkeys(("millisecond", "ms"), "millisecond"),
    **dict.fromkeys(("microsecond", "mcs"), "microsecond"),
    **dict.fromkeys(("nanosecond", "ns"), "nanosecond"),
}
_MILLISECOND: Final = SECOND // 1000
_MONTHS: Final = {"year": 12, "month": 1}
_TICKS: Final = {
    "day": DAY,
    "hour": 3600 * SECOND,
    "minute": 60 * SECOND,
    "second": SECOND,
    "millisecond": _MILLISECOND,
    "microsecond": SECOND // 1_000_000,
}
_NANOSECONDS_PER_TICK: Final = 100


def _part(value: Any) -> str | None:
    return _PARTS.get(value.lower()) if type(value) is str else None


def _ticks(value: Any) -> int | None:
    return instants.parse(value) if type(value) is str else None


def _shown(ticks: int | None) -> Any:
    return UNDEFINED if ticks is None or not instants.valid(ticks) else instants.text(ticks)


def _months(ticks: int) -> int:
    moment = instants.calendar(ticks)
    return moment.year * 12 + moment.month - 1


def _add(part: Any, count: Any, moment: Any) -> Any:
    name, ticks = _part(part), _ticks(moment)
    if name is None or ticks is None or not whole(count):
        return UNDEFINED
    if name in _MONTHS:
        return _shown(instants.add_months(ticks, int(count) * _MONTHS[name]))
    if name == "nanosecond":
        return _shown(ticks + int(count) // _NANOSECONDS_PER_TICK)
    return _shown(ticks + int(count) * _TICKS[name])


def _diff(part: Any, start: Any, end: Any) -> Any:
    """How many boundaries of the part lie between two moments."""
    name, first, last = _part(part), _ticks(start), _ticks(end)
    if name is None or first is None or last is None:
        return UNDEFINED
    if name == "year":
        return instants.calendar(last).year - instants.calendar(first).year
    if name == "month":
        return _months(last) - _months(first)
    if name == "nanosecond":
        return (last - first) * _NANOSECONDS_PER_TICK
    return last // _TICKS[name] - first // _TICKS[name]


def _part_of(part: Any, moment: Any) -> Any:
    name, ticks = _part(part), _ticks(moment)
    if name is None or ticks is None:
        return UNDEFINED
    shown = instants.calendar(ticks)
    fraction = shown.ticks % SECOND
    parts = {
        "year": shown.year,
        "month": shown.month,
        "day": shown.day,
        "hour": shown.ticks // _TICKS["hour"],
        "minute": shown.ticks // _TICKS["minute"] % 60,
        "second": shown.ticks // SECOND % 60,
        "millisecond": fraction // _TICKS["millisecond"],
        "microsecond": fraction // _TICKS["microsecond"],
        "nanosecond": fraction * _NANOSECONDS_PER_TICK,
    }
    return parts[name]


def _bin(moment: Any, part: Any, size: Any = 1, origin: Any = "1970-01-01T00:00:00Z") -> Any:
    """The start of the bin, ``size`` parts wide and counted from ``origin``, in which a moment lies."""
    name, ticks, zero = _part(part), _ticks(moment), _ticks(origin)
    if name is None or ticks is None or zero is None or not whole(size) or size < 1:
        return UNDEFINED
    if name in _MONTHS:
        width = int(size) * _MONTHS[name]
        months = (_months(ticks) - _months(zero)) // width * width
        start = instants.add_months(zero, months)
        late = start is not None and start > ticks
        return _shown(instants.add_months(zero, months - width) if late else start)
    width = max(int(size) // _NANOSECONDS_PER_TICK, 1) if name == "nanosecond" else int(size) * _TICKS[name]
    return _shown(zero + (ticks - zero) // width * width)


def _from_parts(*parts: Any) -> Any:
    if not all(whole(part) for part in parts):
        return UNDEFINED
    year, month, day, *clock = map(int, parts)
    padded = (*clock, 0, 0, 0, 0)[:4]
    return _shown(instants.compose(year, month, day, tuple(zip(padded, (23, 59, 59, SECOND - 1), strict=True))))


def _to(divisor: int) -> Function:
    def convert(moment: Any) -> Any:
        ticks = _ticks(moment)
        return UNDEFINED if ticks is None else ticks // divisor

    return Function(convert, 1, 1)


def _from(factor: int) -> Function:
    return Function(lambda value: _shown(int(value) * factor) if whole(value) else UNDEFINED, 1, 1)


def _now() -> int:
    return time.time_ns() // _NANOSECONDS_PER_TICK


def _clock(name: str, call: Callable[[], Any]) -> dict[str, Function]:
    """The function and its Static twin; one evaluation per row, as the clock moves little within a query."""
    return {name: Function(call, 0, 0), f"{name}STATIC": Function(call, 0, 0)}


FUNCTIONS: Final[dict[str, Function]] = {
    **_clock("GETCURRENTDATETIME", lambda: instants.text(_now())),
    **_clock("GETCURRENTTIMESTAMP", lambda: _now() // _MILLISECOND),
    **_clock("GETCURRENTTICKS", _now),
    "DATETIMEADD": Function(_add, 3, 3),
    "DATETIMEBIN": Function(_bin, 2, 4),
    "DATETIMEDIFF": Function(_diff, 3, 3),
    "DATETIMEFROMPARTS": Function(_from_parts, 3, 7),
    "DATETIMEPART": Function(_part_of, 2, 2),
    "DATETIMETOTICKS": _to(1),
    "DATETIMETOTIMESTAMP": _to(_MILLISECOND),
    "TICKSTODATETIME": _from(1),
    "TIMESTAMPTODATETIME": _from(_MILLISECOND),
}
