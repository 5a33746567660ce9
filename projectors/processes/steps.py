"""Steps of processes as commands: what makes it safe to run each of them as often as anybody likes."""

from datetime import datetime
from functools import partial
from typing import Any, Protocol

from eventstore.commands.store import Command, CommandStore, Outcome


class Step(Protocol):
    """One command of a process, as data. Its id fixes everything about it."""

    @property
    def command_id(self) -> str: ...

    @property
    def stream(self) -> str: ...

    def decide(self, aggregate: Any, /, *, at: datetime) -> Any: ...


class Steps:
    """Runs steps in the name of `actor`, as audits show it, e.g. "process:transfers"."""

    def __init__(self, store: CommandStore, *, actor: str) -> None:
        self._store = store
        self._actor = actor

    def run(
        self,
        step: Step,
        *,
        at: datetime,
        correlation: str,
        causation: str | None = None,
        traceparent: str | None = None,
    ) -> Outcome:
        """The step's outcome, of this time or of the first time; a refusal is one that is recorded.

        `causation` is the id of the command that led to this one. Raises what `CommandStore.execute` raises: then the
        step may have taken effect or not, and has to be run again.
        """
        metadata = {"actor": self._actor, "recorded_at": at.isoformat(), "correlation": correlation}
        if causation is not None:
            metadata["causation"] = causation
        if traceparent is not None:
            metadata["traceparent"] = traceparent
        command = Command(step.command_id, fingerprint=step.command_id, metadata=metadata)
        return self._store.execute(step.stream, command, partial(step.decide, at=at))
