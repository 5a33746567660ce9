"""Which transfers have not ended: asked of the view transfer-status, one small query per partition, and one more for
those that the view knows nothing of."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from domain.ledger.transfer import Status
from projectors.database import Database
from projectors.generations.generation import partition_key
from projectors.ledger.views.transfer_status import TransferStatus

_LIMIT: Final = 1000
"""Per partition: after an outage the next visits find the rest."""

_OPEN: Final = (
    f"SELECT TOP {_LIMIT} c.state.transfer, c.state.requested_at FROM c "  # noqa: S608 - a number
    "WHERE c.state.status = @status AND c.state.requested_at <= @moment ORDER BY c.state.requested_at"
)

_UNKNOWN: Final = (
    "SELECT c.stream FROM c WHERE STARTSWITH(c.pk, @prefix) "
    "AND (IS_DEFINED(c.upto) OR IS_DEFINED(c.left_out)) AND NOT IS_DEFINED(c.state.status)"
)
"""Parked, or with events left out, so that the view does not know how they stand."""


@dataclass(frozen=True, slots=True, order=True)
class OpenTransfer:
    """A transfer that has not ended, as far as the view knows. One that the view knows nothing of is never old."""

    requested_at: datetime
    transfer_id: str


class OpenTransfers:
    """Reads the generation of the view that serves. A view that lags shows a transfer late, and never not at all."""

    def __init__(self, stores: Database) -> None:
        self._gateway = stores.views
        self._registry = stores.registry
        self._view = TransferStatus()

    def requested_until(self, moment: datetime) -> list[OpenTransfer]:
        """Those requested up to `moment` (aware), the oldest first."""
        serving = self._registry.of(self._view.name).serving
        rows = [
            row
            for bucket in range(self._view.buckets)
            for row in self._gateway.query(
                _OPEN,
                partition_key(self._view.name, serving, str(bucket)),
                status=Status.REQUESTED.value,
                moment=moment.astimezone(UTC).isoformat(),
            )
        ]
        found = [OpenTransfer(datetime.fromisoformat(row["requested_at"]), row["transfer"]) for row in rows]
        unknown = self._gateway.query(_UNKNOWN, prefix=partition_key(self._view.name, serving, ""))
        return sorted(found + [OpenTransfer(moment, self._view.key(row["stream"])) for row in unknown])
