"""Point in time: a time, or the position that a command answered with, resolved to a position in every feed range.

What was recorded up to a time is, in each range, everything before the first transaction that was recorded later. The
clocks of several writers differ a little, so around that time a range is looked through transaction by transaction;
before that a bisection finds the place with a few small reads, however long the log is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from eventstore.errors import InvalidPosition
from eventstore.log.position import Position, decode
from projectors.database import Database
from projectors.errors import Unavailable
from projectors.feed.change_feed import Feed, Page
from projectors.feed.ranges import FeedRange, effective_key
from replay.errors import NoSuchMoment

_SKEW = timedelta(minutes=2)
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Moment:
    """`position` is set when the moment was given as one: its own range ends exactly with it."""

    time: datetime
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """The last position of each range that belongs to the past, 0 for none; `share` of the log that is, about."""

    by_range: dict[FeedRange, int]
    share: float

    def of(self, feed_range: FeedRange) -> int:
        """The end of a range or, after a split, of the one that it was part of."""
        return next(end for outer, end in self.by_range.items() if outer.covers(feed_range))


def moment_of(stores: Database, text: str, *, now: datetime) -> Moment:
    """A time in ISO 8601 (UTC without a zone) or a position token.

    Raises NoSuchMoment for anything else, for what is still to come, and for the position of no recorded event.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return _of_position(stores, text)
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    if time > now:
        raise NoSuchMoment(f"{text} is still to come: a view of the past ends in the past")
    return Moment(time)


def ends_at(feed: Feed, moment: Moment) -> Ends:
    """Where each range of the feed ends at the moment; about twenty small reads for a million transactions."""
    rid = feed.rid()
    ends: dict[FeedRange, int] = {}
    heads = 0
    for feed_range in feed.ranges():
        search = _Search(feed, feed_range, rid)
        ends[feed_range] = search.end(moment.time)
        heads += search.head
        position = moment.position
        if position is not None and position.lsn is not None and feed_range.holds(effective_key(position.stream)):
            ends[feed_range] = position.lsn
    return Ends(ends, sum(ends.values()) / heads if heads else 0.0)


def _of_position(stores: Database, text: str) -> Moment:
    try:
        position = decode(text)
    except InvalidPosition:
        raise NoSuchMoment(
            f"{text!r} is neither a time such as 2026-11-23T12:00:00Z nor a position that a command answered"
        ) from None
    for event in stores.history.stream(position.stream, after=position.version - 1, upto=position.version):
        return Moment(datetime.fromisoformat(event.recorded_at), position)
    raise NoSuchMoment(f"{position.stream} has no version {position.version}: the position is of another log")


class _Search:
    """One range of the feed, searched by time."""

    def __init__(self, feed: Feed, feed_range: FeedRange, rid: str) -> None:
        self._feed = feed
        self._range = feed_range
        self._rid = rid
        self.head = self._read(0, 1).head or 0

    def end(self, time: datetime) -> int:
        """The position after the last transaction before the first that was recorded later than `time`."""
        position = self._bisect(time - _SKEW)
        while (page := self._read(position, _PAGE)).size:
            for event in page.events:
                if datetime.fromisoformat(event.recorded_at) > time:
                    return position
                position = event.lsn or position
            position = page.lsn or position
        return position

    def _bisect(self, time: datetime) -> int:
        """A position that everything soon after was recorded later than."""
        low, high = 0, self.head
        while low < high:
            middle = (low + high) // 2
            found = self._next(middle)
            if found is None or found[1] > time:
                high = middle
            else:
                low = found[0]
        return low

    def _next(self, position: int) -> tuple[int, datetime] | None:
        """The first transaction with events after a position, and when it was recorded."""
        while (page := self._read(position, 1)).size:
            if page.events:
                return page.lsn or 0, datetime.fromisoformat(page.events[0].recorded_at)
            position = page.lsn or 0
        return None

    def _read(self, position: int, limit: int) -> Page:
        page = self._feed.read(self._range, position or None, self._rid, limit=limit)
        if not isinstance(page, Page):
            raise Unavailable("the events container was split meanwhile; start again")
        return page
