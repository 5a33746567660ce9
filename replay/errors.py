"""What stops a replay.

ReplayError
├── Differences       the two sides of a comparison are not the same
├── NotCaughtUp       a part of the log cannot be read or written, or is in other hands
├── ParkedStreams     the new generation waits for streams that the old one has
├── NotMendable       a view has no item of that stream to mend
├── NoSuchPast        no view of the past has that name
└── NoSuchMoment      a time or position that a view of the past cannot end at
"""


class ReplayError(Exception):
    """A replay ended without doing what was asked. What serves is as it was."""


class Differences(ReplayError):
    """Streams whose items differ at the same version."""

    def __init__(self, view: str, what: str, streams: list[str], hint: str) -> None:
        some = ", ".join(streams[:5]) + (f" and {len(streams) - 5} more" if len(streams) > 5 else "")
        super().__init__(f"{view}: {what} differ in {len(streams)} streams ({some}): {hint}")
        self.streams = streams


class NotCaughtUp(ReplayError):
    """The log is still ahead: something keeps failing, or others hold some of its ranges."""

    def __init__(self, view: str, why: str) -> None:
        super().__init__(f"{view} has not caught up: {why}; start again and it goes on")


class ParkedStreams(ReplayError):
    """A switch would take streams from readers that they have now."""

    def __init__(self, view: str, generation: int, streams: list[str]) -> None:
        super().__init__(
            f"{view} generation {generation} has {len(streams)} parked streams that the serving one has not "
            f"({', '.join(streams[:5])}): see `tidemark replay deadletters list {view}`"
        )
        self.streams = streams


class NotMendable(ReplayError):
    """A view has no item of a stream of its own that could be mended."""


class NoSuchPast(ReplayError):
    """No view of the past has this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        there = f"there are {', '.join(sorted(known))}" if known else "there is none"
        super().__init__(f"no view of the past is called {name!r}; {there}")


class NoSuchMoment(ReplayError):
    """What was given is neither a time with its zone nor the position of a recorded command."""
