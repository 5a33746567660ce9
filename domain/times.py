"""Times of the domain: kept in UTC, or refused."""

from datetime import UTC, datetime

from domain.errors import InvalidTime


def utc(time: datetime) -> datetime:
    """The same moment in UTC, as all times are kept: whoever reads one can compare it, and none leaves the calendar."""
    if time.tzinfo is UTC:
        return time
    try:
        if time.utcoffset() is not None:
            return time.astimezone(UTC)
    except OverflowError:
        pass
    raise InvalidTime(time=time.isoformat())
