"""Stories of the ledger: which streams and commands belong to a transfer."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from audit.narration import Command
from domain.ledger.transfer import Transfer, transfer_stream
from domain.ledger.transfer_process import AccountStep, Action, TransferStep


def leads_to(stream: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """The transfer that an event is part of."""
    if stream.startswith(transfer_stream("")):
        yield stream
    elif transfer_id := fields.get("transfer_id"):
        yield transfer_stream(str(transfer_id))


def commands(aggregate: Any) -> Iterator[Command]:
    """The commands of every step that a transfer may take."""
    if isinstance(aggregate, Transfer):
        for step in _steps(aggregate):
            yield Command(step.stream, step.command_id)


def _steps(transfer: Transfer) -> Iterable[AccountStep | TransferStep]:
    for action in Action:
        if action in (Action.HOLD, Action.CREDIT, Action.CAPTURE, Action.RELEASE):
            yield AccountStep(transfer, action)
        elif transfer.reverses or action in (Action.COMPLETE, Action.FAIL):
            yield TransferStep(transfer, action)
