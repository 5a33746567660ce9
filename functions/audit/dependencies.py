"""What the audit's pages and their JSON twins work with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from azure.cosmos import CosmosClient
from fastapi import Depends, Request

from audit.digests.archive import Archive
from audit.log import Log
from audit.trail.trace import Traces
from audit.trail.trail import AuditTrail
from eventstore.cosmos.containers import EVENTS
from eventstore.log.mapper import Mapper
from eventstore.personal import PersonalData
from functions.audit.lag_history import LagHistory
from projectors.database import Stores
from projectors.ledger.processes import OpenTransfers
from projectors.views.catalog import Views
from projectors.views.reader import ViewReader

__all__ = ["AuditDesk", "Desk"]


@dataclass(frozen=True, slots=True)
class AuditDesk:
    """`digests` is the folder of digests whose newest one the health page shows, None where none is known."""

    log: Log
    trail: AuditTrail
    traces: Traces
    stores: Stores
    catalog: Views
    views: ViewReader
    open_transfers: OpenTransfers
    lags: LagHistory
    database: str
    digests: Archive | None

    @classmethod
    def open(
        cls,
        client: CosmosClient,
        database: str,
        views: Views,
        *,
        personal: PersonalData | None = None,
        digests: Path | None = None,
    ) -> Self:
        """Sends nothing. `personal` opens personal texts; without it their tokens are shown."""
        log = Log(client.get_database_client(database).get_container_client(EVENTS.name))
        mapper = Mapper[str]()
        return cls(
            log=log,
            trail=AuditTrail(log, mapper, personal),
            traces=Traces(log, mapper, personal),
            stores=Stores.open(client, database),
            catalog=views,
            views=ViewReader(client, database, views),
            open_transfers=OpenTransfers(client, database),
            lags=LagHistory(),
            database=database,
            digests=Archive(digests) if digests else None,
        )


async def _desk(request: Request) -> AuditDesk:
    desk: AuditDesk = request.app.state.audit
    return desk


Desk = Annotated[AuditDesk, Depends(_desk)]
