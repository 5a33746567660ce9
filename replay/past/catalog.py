"""The views of the past that there are: one document each, in the container `views`, beside the registry.

    { "id": "<view>.<time>", "pk": "past", "view", "until", "ends": { "<range>": lsn }, "share", "since",
      "built": null | { "at", "digest", "streams", "items" } }

The ends are kept from the first step on, so that an interrupted build ends where it was to end.
"""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from projectors.container import Container, Document
from projectors.errors import Conflict
from projectors.feed.ranges import FeedRange
from replay.errors import NoSuchPast
from replay.past.point_in_time import Ends, Moment

PARTITION = "past"
GENERATION = 1
"""A view of the past has one generation: the past does not change."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to; `at` is an ISO time."""

    at: str
    digest: str
    streams: int
    items: int


@dataclass(frozen=True, slots=True)
class PastView:
    """One view as of `until` (ISO 8601). `built` is None while it is being built, or was interrupted."""

    name: str
    view: str
    until: str
    since: str
    ends: Ends
    built: Built | None = None
    etag: str = field(default="", compare=False)

    def document(self) -> Document:
        return {
            "id": self.name,
            "pk": PARTITION,
            "view": self.view,
            "until": self.until,
            "since": self.since,
            "ends": {feed_range.id: end for feed_range, end in self.ends.by_range.items()},
            "share": self.ends.share,
            "built": asdict(self.built) if self.built else None,
        }

    @classmethod
    def from_document(cls, document: Document) -> "PastView":
        ends = {FeedRange.from_id(name): end for name, end in document["ends"].items()}
        return cls(
            document["id"],
            document["view"],
            document["until"],
            document["since"],
            Ends(ends, document["share"]),
            Built(**document["built"]) if document["built"] else None,
            document["_etag"],
        )


def past_name(view: str, moment: Moment) -> str:
    """account-summary.20261123T120000Z, with a fraction where the time has one."""
    time = moment.time.astimezone(UTC)
    return f"{view}.{time:%Y%m%dT%H%M%S}{f'.{time:%f}'.rstrip('0').rstrip('.')}Z"


def iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


class PastViews:
    """All of them, in the container `views`."""

    def __init__(self, views: Container) -> None:
        self._views = views

    def all(self) -> list[PastView]:
        """By name."""
        rows = self._views.query("SELECT * FROM c", PARTITION)
        return sorted(map(PastView.from_document, rows), key=lambda past: past.name)

    def find(self, name: str) -> PastView | None:
        found = self._views.read(name, PARTITION)
        return None if found is None else PastView.from_document(found)

    def named(self, name: str) -> PastView:
        """Raises NoSuchPast with the names that there are."""
        found = self.find(name)
        if found is None:
            raise NoSuchPast(name, [past.name for past in self.all()])
        return found

    def begin(self, past: PastView) -> PastView:
        """Keeps it, or gives the one of this name that is kept already."""
        try:
            self._views.create(past.document())
        except Conflict:
            return self.named(past.name)
        return self.named(past.name)

    def finish(self, past: PastView) -> None:
        self._views.replace(past.document(), past.etag)

    def forget(self, name: str) -> None:
        self._views.delete(name, PARTITION)
