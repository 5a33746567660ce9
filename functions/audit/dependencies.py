"""Dependencies of the audit's pages and their JSON twins."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from azure.cosmos import CosmosClient
from fastapi import Depends, Request

from audit.audit import Audit
from audit.digests.archive import Archive
from audit.narration import Narration
from eventstore.personal import PersonalData
from functions.audit.checks import Check
from functions.audit.lag_history import LagHistory
from projectors.database import Database
from projectors.views.catalog import Views
from projectors.views.reader import ViewReader

__all__ = ["AuditDesk", "Desk", "open_desk"]


@dataclass(frozen=True, slots=True)
class AuditDesk(Audit):
    """The audit, and what its health page looks at: the views that there are, the domain's checks, lags so far.

    `digests` is the folder of digests whose newest one the health page shows, None where none is known.
    """

    stores: Database
    catalog: Views
    views: ViewReader
    checks: Sequence[Check]
    lags: LagHistory
    digests: Archive | None


def open_desk(
    client: CosmosClient,
    database: str,
    narration: Narration,
    views: Views,
    checks: Sequence[Check] = (),
    *,
    personal: PersonalData | None = None,
    digests: Path | None = None,
) -> AuditDesk:
    """Sends nothing. `personal` opens personal texts; without it their tokens are shown."""
    audit = Audit.open(client, database, narration, personal=personal)
    return AuditDesk(
        log=audit.log,
        trail=audit.trail,
        traces=audit.traces,
        narration=narration,
        database=database,
        stores=Database.open(client, database),
        catalog=views,
        views=ViewReader(client, database, views),
        checks=tuple(checks),
        lags=LagHistory(),
        digests=Archive(digests) if digests else None,
    )


async def _desk(request: Request) -> AuditDesk:
    desk: AuditDesk = request.app.state.audit
    return desk


Desk = Annotated[AuditDesk, Depends(_desk)]
