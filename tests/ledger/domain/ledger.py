"""A ledger in memory that keeps the event store's promise, and nothing more: one command id, one outcome, for ever."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import NoneType
from typing import Any

from domain.ledger import AccountStep, DomainError, Progress, Refused, TransferStep, fold, next_step, transfer_stream


@dataclass
class Ledger:
    """Streams of events, and the outcome of every command on them: None for accepted, or the code of a refusal."""

    streams: dict[str, list[Any]] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def load(self, stream: str, version: int | None = None) -> Any:
        return fold(None, self.streams.get(stream, [])[:version])

    def execute(
        self, stream: str, command_id: str, decide: Callable[[Any], Any], *, seen: int | None = None
    ) -> str | None:
        """Run a command; one that has only `seen` an older version decides on that first, and again on the conflict."""
        key = (stream, command_id)
        if key not in self.outcomes and seen is not None and seen < len(self.streams.get(stream, [])):
            self._decide_in_vain(stream, seen, decide)
        if key not in self.outcomes:
            try:
                aggregate = decide(self.load(stream))
            except Refused as refusal:
                self.outcomes[key] = refusal.code
            else:
                events = aggregate.collect_events()
                check_storable(events)
                self.streams.setdefault(stream, []).extend(events)
                self.outcomes[key] = None
        return self.outcomes[key]

    def _decide_in_vain(self, stream: str, seen: int, decide: Callable[[Any], Any]) -> None:
        with contextlib.suppress(DomainError):
            for event in decide(self.load(stream, seen)).collect_events():
                assert event.originator_version <= len(self.streams[stream]), "a stale decision would be stored"

    def run(self, step: AccountStep | TransferStep, at: datetime) -> str | None:
        return self.execute(step.stream, step.command_id, lambda aggregate: step.decide(aggregate, at=at))

    def progress(self, transfer_id: str, *, give_up: bool = False) -> Progress:
        return Progress(self.load(transfer_stream(transfer_id)), give_up=give_up)

    def drive(self, transfer_id: str, at: datetime, *, give_up: bool = False) -> list[str]:
        """Run the transfer from its first step to its end. The steps, for instance `credit: ACCOUNT_CLOSED`."""
        progress, steps = self.progress(transfer_id, give_up=give_up), []
        while (step := next_step(progress)) is not None:
            refusal = self.run(step, at)
            steps.append(f"{step.action}: {refusal}" if refusal else str(step.action))
            progress = progress.after(step, refusal)
        return steps

    def events(self, event_class: type | None = None) -> list[Any]:
        every = [event for events in self.streams.values() for event in events]
        return [event for event in every if event_class is None or isinstance(event, event_class)]

    def amounts(self, event_class: type, **fields: Any) -> int:
        """The sum of the amounts of these events, of those with these fields."""
        chosen = [
            e for e in self.events(event_class) if all(getattr(e, name) == value for name, value in fields.items())
        ]
        return sum(event.amount for event in chosen)


def check_storable(events: Sequence[Any]) -> None:
    """Exactly these types: an enum, for one, would come back from a store as a plain string."""
    for event in events:
        for name, value in vars(event).items():
            assert type(value) in {str, int, bool, NoneType, date, datetime}, f"{name} is a {type(value).__name__}"
