"""Forget a person: destroy the key of a subject, then say so in the log.

What was encrypted under the key - names, references, reasons; in events, snapshots, views, on the hub, in exports and
backups of them - can no longer be read by anybody. Nothing stored is changed but the key itself, so every chain and
every digest verifies as before.

Interrupted between the two steps, the same call goes on: the command's id is the key's number, so the event is there
once however often the call is repeated.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from azure.cosmos import CosmosClient

from audit.errors import UnknownSubject
from domain.aggregate import fold, personal_fields
from domain.errors import DomainError
from domain.ids import check_id
from domain.subject import Subject, subject_stream
from eventstore.commands.store import Command, CommandStore
from eventstore.log.mapper import Mapper
from eventstore.personal import MemoryKey, SealedFields, SubjectKeys

MAX_KEY_AGE: Final = 60
"""Seconds until every process has noticed: the default of `eventstore.personal.SubjectKeys`."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Key `key` of `subject` is destroyed, and event `version` of `stream` says so; `again`: both were so before."""

    subject: str
    key: int
    stream: str
    version: int
    again: bool


def forget(client: CosmosClient, database: str, subject: str, *, actor: str, reason: str, at: datetime) -> Forgotten:
    """Destroy what is known of a subject. For ever: there is no way back.

    Every process notices within `MAX_KEY_AGE` seconds. `reason` stays readable in the log: name the request, not the
    person.

    Raises:
        UnknownSubject: nothing was ever encrypted for such a subject.
        InvalidId: no subject can have such an id.
        StoreError, AzureError: the same call may be repeated and goes on.
    """
    check_id(subject)
    tables = client.get_database_client(database)
    key = SubjectKeys(tables, MemoryKey()).destroy(subject)  # takes no master key: nothing is opened
    if key is None:
        raise UnknownSubject(subject)
    stream = subject_stream(subject)

    def decide(known: Subject | None) -> Subject:
        return Subject.forget(known, subject, key=key, at=at)

    store = CommandStore(
        tables, mapper=Mapper[str](fields=SealedFields(personal_fields)), fold=fold, refusals=DomainError
    )
    facts = {"recorded_at": at.isoformat(), "actor": actor, "reason": reason, "correlation": uuid4().hex}
    name = f"forget-{key}"
    outcome = store.execute(stream, Command(name, fingerprint=name, metadata=facts), decide)
    return Forgotten(subject, key, stream, outcome.version, outcome.replayed)
