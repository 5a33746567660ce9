"""Forget a person: destroy the key of a subject, then say so in the log.

What was encrypted under the key - names, references, reasons; in events, snapshots, views, on the hub, in exports and
backups of them - can no longer be read by anybody. Nothing stored is changed but the key itself, so every chain and
every digest verifies as before. So it is with the keys of other subjects that texts of the person were encrypted for
(`audit.strays`); one that is also another person's own is left, and told.

Interrupted in between, the same call goes on: the command's id is the key's number, so the event is there once however
often the call is repeated.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from azure.cosmos import CosmosClient

from audit.errors import UnknownSubject
from audit.strays import NO_STRAYS, Strays
from domain.aggregate import fold, personal_fields
from domain.errors import DomainError
from domain.ids import check_id
from domain.subject import Subject, subject_stream
from eventstore.commands.store import Command, CommandStore, Outcome
from eventstore.cosmos.containers import EVENTS
from eventstore.log.mapper import Mapper
from eventstore.personal import MemoryKey, SealedFields, SubjectKeys

MAX_KEY_AGE: Final = 60
"""Seconds until every process has noticed: the default of `eventstore.personal.SubjectKeys`."""

_NO_KEY: Final = 0
"""Stands for the key of an owner whose texts were all under other subjects."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Key `key` of `subject` is destroyed, and event `version` of `stream` says so; `again`: both were so before.

    `others` are subjects of the same person whose keys are destroyed with it; `shared` are those that are left, for
    they are people of their own: texts of this person under their keys can be read until they are forgotten.
    """

    subject: str
    key: int
    stream: str
    version: int
    again: bool
    others: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


def forget(
    client: CosmosClient,
    database: str,
    subject: str,
    *,
    actor: str,
    reason: str,
    at: datetime,
    strays: Strays = NO_STRAYS,
) -> Forgotten:
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
    keys = SubjectKeys(tables, MemoryKey())  # takes no master key: nothing is opened
    found = strays.subjects_of(tables.get_container_client(EVENTS.name), keys, subject)
    numbers = {other: keys.destroy(other) for other in (subject, *found.alone)}
    destroyed = {other: number for other, number in numbers.items() if number is not None}
    if not destroyed:
        raise UnknownSubject(subject)
    store = CommandStore(
        tables, mapper=Mapper[str](fields=SealedFields(personal_fields)), fold=fold, refusals=DomainError
    )
    facts = {"recorded_at": at.isoformat(), "actor": actor, "reason": reason, "correlation": uuid4().hex}
    done = {
        other: _record(store, other, number, facts, at) for other, number in ({subject: _NO_KEY} | destroyed).items()
    }
    others = tuple(other for other in destroyed if other != subject)
    shared = tuple(other for other in found.shared if (keys.state(other) or (0, False))[1])
    outcome = done[subject]
    return Forgotten(
        subject,
        destroyed.get(subject, _NO_KEY),
        outcome.stream,
        outcome.version,
        all(each.replayed for each in done.values()),
        others,
        shared,
    )


def _record(store: CommandStore, subject: str, key: int, facts: dict[str, str], at: datetime) -> Outcome:
    def decide(known: Subject | None) -> Subject:
        return Subject.forget(known, subject, key=key, at=at)

    name = f"forget-{key}"
    return store.execute(subject_stream(subject), Command(name, fingerprint=name, metadata=facts), decide)
