"""Releases holds whose time is over, found by the view active-holds."""

import logging
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from domain.ledger.hold_expiry import ExpiryStep
from eventstore.commands.store import CommandStore
from projectors.ledger.views.active_holds import ActiveHolds
from projectors.processes.errors import cause
from projectors.processes.parallel import each
from projectors.processes.steps import Steps
from projectors.views.reader import ViewReader

_ACTOR: Final = "process:hold-expiry"
_LIMIT: Final = 10_000
"""Per call: should more expire between two, the next calls release the rest."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Released:
    """How many holds were released now, and what failed, by account and hold."""

    holds: int
    failures: dict[str, str] = field(default_factory=dict)


class HoldExpiry:
    """Run it as often as you like, anywhere: a hold ends once, and that of a transfer never by its time."""

    def __init__(self, reader: ViewReader, store: CommandStore, executor: Executor | None = None) -> None:
        self._reader = reader
        self._steps = Steps(store, actor=_ACTOR)
        self._executor = executor

    def release_expired(self, at: datetime) -> Released:
        """Releases what has expired at `at` (aware), which is also the time of the commands."""
        upto = at.astimezone(UTC).isoformat(timespec="microseconds")
        due = self._reader.due(ActiveHolds.name, "expires_at", upto, limit=_LIMIT)
        steps = [ExpiryStep(hold["account"], hold["hold"]) for hold in due]
        released: list[ExpiryStep] = []

        def release(step: ExpiryStep) -> None:
            story = f"{step.stream}-hold-{step.hold_id}"
            outcome = self._steps.run(step, at=at, correlation=story)
            if outcome.events and not outcome.replayed:
                released.append(step)

        failures = each(self._executor, release, steps)
        for step, error in failures.items():
            _log.error(
                "hold %s of %s was not released: %s", step.hold_id, step.account_id, error, exc_info=cause(error)
            )
        return Released(
            len(released), {f"{step.account_id} {step.hold_id}": str(error) for step, error in failures.items()}
        )
