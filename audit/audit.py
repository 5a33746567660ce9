"""The audit of one database: its log, the trail of single streams, and the stories across them."""

from dataclasses import dataclass
from typing import Self

from azure.cosmos import CosmosClient

from audit.log import Log
from audit.narration import Narration
from audit.trail.trace import Traces
from audit.trail.trail import AuditTrail
from eventstore.cosmos.containers import EVENTS
from eventstore.log.mapper import Mapper
from eventstore.personal import PersonalData

__all__ = ["Audit"]


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything opened that reads the log for an auditor; `narration` tells it in the domain's words."""

    log: Log
    trail: AuditTrail
    traces: Traces
    narration: Narration
    database: str

    @classmethod
    def open(
        cls, client: CosmosClient, database: str, narration: Narration, *, personal: PersonalData | None = None
    ) -> Self:
        """Sends nothing. `personal` opens personal texts; without it their tokens are shown."""
        log = Log(client.get_database_client(database).get_container_client(EVENTS.name))
        mapper = Mapper[str]()
        trail = AuditTrail(log, mapper, narration, personal)
        return cls(log, trail, Traces(log, mapper, narration, personal), narration, database)
