"""What can go wrong between the log and the views.

ProjectionError
├── Unavailable           the store did not do it now; nothing is lost, the same step is taken again
│   ├── Unanswered        sent, no answer: it may have happened
│   ├── Conflict          somebody else was there first (409, 412)
│   └── Stopping          told to stop while waiting
├── Rejected              the store will never take this write (too large, malformed, an item that is not there)
├── LeaseLost             another worker owns the range now
├── FeedReplaced          the events container is not the one that the leases were made for
├── BrokenLog             the log lacks a version that it must have
├── PoisonEvent           a view cannot apply an event, and was told not to park it
├── NotParked             there is no such dead letter
├── TooManyItems          one event changes more items than a batch can hold
├── BadSum                a view over many streams adds what the store cannot keep
├── UnknownView, UnknownGeneration
├── RebuildRunning        a view has one rebuild at a time
├── RegistryChanged       a generation is not in the state that the change needs
└── BadCursor             a page cursor that this reader never gave out
"""

from collections.abc import Mapping


class ProjectionError(Exception):
    """Anything that this room can say no to."""


class Unavailable(ProjectionError):
    """The store did not do it now. Taking the step again, from a fresh read, is always right."""


class Unanswered(Unavailable):
    """A request was sent and no answer came: it may have taken effect, now or later."""


class Conflict(Unavailable):
    """A conditional write found something else than it expected. `index` is the operation in the batch."""

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.index = index


class Stopping(Unavailable):
    """The worker was told to stop while it waited for the store."""


class Rejected(ProjectionError):
    """The store refuses the write for what it is: too large, malformed, of an item that is there already, or is not.

    `index` is the operation in the batch.
    """

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.index = index


class LeaseLost(ProjectionError):
    """Another worker owns the range now; this one stops without writing its position."""


class FeedReplaced(ProjectionError):
    """The events container was created anew, so the positions of a consumer mean nothing in it."""

    def __init__(self, consumer: str, expected: str, found: str) -> None:
        super().__init__(
            f"{consumer}: positions belong to another events container ({expected}, now {found}): "
            f"rebuild its view, or delete its leases to start from the beginning"
        )


class BrokenLog(ProjectionError):
    """A stream lacks a version below one that exists."""

    def __init__(self, stream: str, version: int) -> None:
        super().__init__(
            f"{stream} has no version {version} though it has later ones: "
            f"run `tidemark audit verify {stream}` and restore the events container"
        )


class PoisonEvent(ProjectionError):
    """A view cannot apply an event."""

    def __init__(self, view: str, stream: str, version: int, type_: str, reason: str) -> None:
        super().__init__(f"{view} cannot apply {stream} version {version} ({type_}): {reason}")
        self.view, self.stream, self.version, self.type, self.reason = view, stream, version, type_, reason

    def facts(self) -> Mapping[str, str | int]:
        """For machines."""
        return {
            "view": self.view,
            "stream": self.stream,
            "version": self.version,
            "type": self.type,
            "reason": self.reason,
        }


class NotParked(ProjectionError):
    """The stream is not parked, or not at that version."""

    def __init__(self, view: str, stream: str, version: int | None = None) -> None:
        where = stream if version is None else f"{stream} version {version}"
        super().__init__(f"{view} is not parked at {where}: see `tidemark replay deadletters list {view}`")


class TooManyItems(ProjectionError):
    """One event changes more items than one transactional batch can hold."""

    def __init__(self, stream: str, version: int, items: int, limit: int) -> None:
        super().__init__(f"{stream} version {version} changes {items} items; a batch holds {limit} beside their guard")


class BadSum(ProjectionError):
    """An event adds to sums what the store cannot keep; its stream waits, and all others go on."""


class UnknownView(ProjectionError):
    """No view of this name is registered."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"there is no view {name!r}; there are {', '.join(sorted(known))}")


class UnknownGeneration(ProjectionError):
    """The view has no such generation, or no longer."""

    def __init__(self, view: str, generation: int, known: list[int]) -> None:
        super().__init__(
            f"{view} has no generation {generation}; it has {', '.join(str(number) for number in sorted(known))}"
        )


class RebuildRunning(ProjectionError):
    """Somebody else rebuilds this view."""

    def __init__(self, view: str, by: str, since: str) -> None:
        super().__init__(
            f"{view} is being rebuilt by {by} since {since}: wait for it, or stop it there; "
            f"`tidemark replay abandon {view}` clears away one that nobody runs any more"
        )
        self.by = by


class RegistryChanged(ProjectionError):
    """A generation is not in the state that the change needs."""


class BadCursor(ProjectionError):
    """A cursor comes from a page of the same query, unchanged."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor!r} is no cursor of this query: use `next` of a page as it is")
