"""What the relay cannot do."""

from projectors.errors import ProjectionError


class NotRelayed(ProjectionError):
    """The hub takes an event in no form; its stream waits, others go on."""

    def __init__(self, stream: str, version: int, type_: str, reason: str) -> None:
        super().__init__(
            f"relay cannot send {stream} version {version} ({type_}): {reason}; the stream waits: "
            f"see `tidemark replay deadletters show relay {stream}`"
        )
