"""Drives one transfer to its end, from its first step, whoever began it and wherever that one stopped."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from domain.aggregate import fold
from domain.ledger.account import Account
from domain.ledger.transfer import Status, Transfer, transfer_stream
from domain.ledger.transfer_process import AccountStep, Action, Progress, next_step
from eventstore.commands.cache import StreamCache, StreamLocks
from eventstore.commands.store import CommandStore
from eventstore.log.history import History
from eventstore.log.mapper import Mapper
from eventstore.personal import Token
from projectors.errors import Unavailable
from projectors.processes.steps import Steps

_ACTOR: Final = "process:transfers"
_PATIENCE: Final = 30.0
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Story:
    """A transfer as its own stream tells it, and what its steps inherit from its request."""

    transfer: Transfer
    request: str
    correlation: str
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class _Hold:
    """The hold without a text that is not of its account's owner: an older program took the transfer before the account
    was opened. The text stays with the transfer."""

    step: AccountStep

    @property
    def command_id(self) -> str:
        return self.step.command_id

    @property
    def stream(self) -> str:
        return self.step.stream

    def decide(self, account: Account | None, /, *, at: datetime) -> Account:
        token = Token.parse(self.step.transfer.reference or "")
        step = self.step
        if account is not None and token is not None and token.subject != account.owner:
            transfer = copy(step.transfer)
            transfer.reference = None
            step = replace(step, transfer=transfer)
        return step.decide(account, at=at)


class TransferDriver:
    """Safe for any number of threads, processes and machines: see `domain.ledger.transfer_process`.

    `clock` gives the time of the commands, aware. Inside one process a transfer has one driver at a time, which saves
    requests and nothing else; for the same reason the last transfers that have ended are remembered.
    """

    def __init__(
        self,
        store: CommandStore,
        history: History,
        *,
        clock: Callable[[], datetime],
        mapper: Mapper[str] | None = None,
    ) -> None:
        self._steps = Steps(store, actor=_ACTOR)
        self._history = history
        self._mapper: Mapper[str] = mapper or Mapper()
        self._clock = clock
        self._turns = StreamLocks(_PATIENCE)
        self._ended: StreamCache[Status] = StreamCache(_REMEMBERED)

    def drive(self, transfer_id: str, *, give_up: bool = False) -> Status:
        """How the transfer has ended: COMPLETED or FAILED. `give_up` as `domain.ledger.transfer_process.Progress` has
        it.

        Raises:
            TransferUnseen: the transfer cannot be read yet.
            StepRefused: a person has to look at it.
            StoreError, AzureError: the store did not do it now. Drive it again, from here or anywhere else.
        """
        with self._turns.hold(transfer_stream(transfer_id)):
            status = self._ended.peek(transfer_id)
            if status is None:
                status = self._drive(self._read(transfer_id), give_up)
                self._ended.put(transfer_id, status)
            return status

    def _drive(self, story: _Story, give_up: bool) -> Status:
        progress, causation = Progress(story.transfer, give_up=give_up), story.request
        while (step := next_step(progress)) is not None:
            outcome = self._steps.run(
                _Hold(step) if isinstance(step, AccountStep) and step.action is Action.HOLD else step,
                at=self._clock(),
                correlation=story.correlation,
                causation=causation,
                traceparent=story.traceparent,
            )
            progress = progress.after(step, outcome.refusal.code if outcome.refusal else None)
            causation = step.command_id
        if story.transfer.status is not Status.REQUESTED:
            return story.transfer.status
        return Status.COMPLETED if Action.COMPLETE in progress.outcomes else Status.FAILED

    def _read(self, transfer_id: str) -> _Story:
        """One query. What it does not show yet costs steps that are run in vain, and no more."""
        events = list(self._history.stream(transfer_stream(transfer_id)))
        transfer: Transfer | None = fold(None, map(self._mapper.domain_event, events))
        if transfer is None:
            raise TransferUnseen(transfer_id)
        request = events[0]
        return _Story(
            transfer,
            request.command_id,
            request.meta.get("correlation") or transfer_id,
            request.meta.get("traceparent"),
        )


class TransferUnseen(Unavailable):
    """The replica that answered lags behind the change feed: the same read will find the transfer soon."""

    def __init__(self, transfer_id: str) -> None:
        super().__init__(f"transfer {transfer_id} was requested and its stream is not yet to be read")
