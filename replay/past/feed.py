"""The change feed as it was at a moment: it ends there, and says so, however long the log has become."""

from projectors.feed.change_feed import Feed, Page, Split
from projectors.feed.ranges import FeedRange
from replay.past.point_in_time import Ends


class PastFeed(Feed):
    """Reads through another feed and keeps no connection of its own."""

    def __init__(self, feed: Feed, ends: Ends) -> None:
        self._feed = feed
        self._ends = ends

    def rid(self) -> str:
        return self._feed.rid()

    def ranges(self) -> list[FeedRange]:
        return self._feed.ranges()

    def estimate(self) -> int:
        """As of the moment."""
        return round(self._feed.estimate() * self._ends.share)

    def read(self, feed_range: FeedRange, lsn: int | None, rid: str, *, limit: int) -> Page | Split:
        end = self._ends.of(feed_range)
        if (lsn or 0) >= end:
            return Page([], lsn, 0, full=False, head=end)
        page = self._feed.read(feed_range, lsn, rid, limit=limit)
        if isinstance(page, Split) or (page.lsn or 0) < end:
            return page
        documents = [document for document in page.documents if document["_lsn"] <= end]
        return Page(documents, end, len(documents), full=False, head=end)
