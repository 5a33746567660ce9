"""Releases holds whose time is over, on accounts found by the view active-holds."""

import logging
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from domain.ledger.account import Account, account_stream
from domain.ledger.hold_expiry import ExpiryStep
from eventstore.commands.store import CommandStore
from projectors.ledger.views.active_holds import ActiveHolds
from projectors.processes.errors import cause
from projectors.processes.parallel import each
from projectors.processes.steps import Steps
from projectors.views.reader import ViewReader

_ACTOR: Final = "process:hold-expiry"
_LIMIT: Final = 10_000
"""Accounts per call: should holds of more expire between two, the next calls release the rest."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Released:
    """How many holds were released now, and what failed, by account and hold, or by account where it is unreadable."""

    holds: int
    failures: dict[str, str] = field(default_factory=dict)


class HoldExpiry:
    """Run it as often as you like, anywhere: a hold ends once, and that of a transfer never by its time.

    The view only tells which accounts to look at; what has expired there is read from the account itself. An account of
    which the view lacks something is looked at every time.
    """

    def __init__(self, reader: ViewReader, store: CommandStore, executor: Executor | None = None) -> None:
        self._reader = reader
        self._store = store
        self._steps = Steps(store, actor=_ACTOR)
        self._executor = executor
        self._told: set[str] = set()

    def release_expired(self, at: datetime) -> Released:
        """Releases what has expired at `at` (aware), which is also the time of the commands."""
        upto = at.astimezone(UTC).isoformat(timespec="microseconds")
        streams = dict.fromkeys(self._lacking())
        streams |= dict.fromkeys(self._reader.due(ActiveHolds.name, "expires_at", upto, limit=_LIMIT))
        due: dict[str, list[ExpiryStep]] = {}
        unread = each(self._executor, lambda stream: due.update({stream: self._expired(stream, at)}), list(streams))
        for stream, error in unread.items():
            _log.error("%s: its holds cannot be read: %s", stream, error, exc_info=cause(error))
        released: list[ExpiryStep] = []

        def release(step: ExpiryStep) -> None:
            story = f"{step.stream}-hold-{step.hold_id}"
            outcome = self._steps.run(step, at=at, correlation=story)
            if outcome.events and not outcome.replayed:
                released.append(step)

        failures = each(self._executor, release, [step for steps in due.values() for step in steps])
        for step, error in failures.items():
            _log.error(
                "hold %s of %s was not released: %s", step.hold_id, step.account_id, error, exc_info=cause(error)
            )
        why = {stream.removeprefix(account_stream("")): str(error) for stream, error in unread.items()}
        why |= {f"{step.account_id} {step.hold_id}": str(error) for step, error in failures.items()}
        return Released(len(released), why)

    def _lacking(self) -> list[str]:
        """The accounts of which the view lacks something. The log is told of each once."""
        lacking = self._reader.partial(ActiveHolds.name)
        for stream in set(lacking) - self._told:
            _log.warning("%s lacks events of %s: what expires is read from the account", ActiveHolds.name, stream)
        self._told = set(lacking)
        return lacking

    def _expired(self, stream: str, at: datetime) -> list[ExpiryStep]:
        account: Account | None = self._store.load(stream)
        if account is None:  # a replica that lags behind the view's log: the next visit sees it
            return []
        return [
            ExpiryStep(account.account_id, hold.hold_id)
            for hold in account.holds.open.values()
            if hold.transfer_id is None and hold.expired(at)
        ]
