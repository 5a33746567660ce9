"""How far a transfer is: one item per transfer."""

from domain.ledger.transfer import Status, Transfer
from projectors.views.streams.view import Change, StreamView
from projectors.views.view import on


class TransferStatus(StreamView):
    """Source, target, amount, status, how it failed, and which transfer reverses which."""

    name = "transfer-status"
    category = "transfer"
    indexed = ("state.status", "state.requested_at")

    @on(Transfer.Requested)
    def requested(self, change: Change, event: Transfer.Requested) -> None:
        change.state.update(
            transfer=self.key(event.originator_id),
            source=event.source,
            target=event.target,
            amount=event.amount,
            asset=event.asset,
            reference=event.reference,
            status=Status.REQUESTED.value,
            code=None,
            failed_step=None,
            reverses=event.reverses,
            reversed_by=None,
            requested_at=event.timestamp.isoformat(),
            ended_at=None,
        )

    @on(Transfer.Completed)
    def completed(self, change: Change, event: Transfer.Completed) -> None:
        change.state.update(status=Status.COMPLETED.value, ended_at=event.timestamp.isoformat())

    @on(Transfer.Failed)
    def failed(self, change: Change, event: Transfer.Failed) -> None:
        change.state.update(
            status=Status.FAILED.value, code=event.code, failed_step=event.step, ended_at=event.timestamp.isoformat()
        )

    @on(Transfer.ReversalClaimed)
    def reversal_claimed(self, change: Change, event: Transfer.ReversalClaimed) -> None:
        change.state["reversed_by"] = event.by

    @on(Transfer.ReversalReleased)
    def reversal_released(self, change: Change, event: Transfer.ReversalReleased) -> None:  # noqa: ARG002
        change.state["reversed_by"] = None
