"""Texts of the ledger that are encrypted for somebody else than their owner, and whose they are.

A text belongs to the owner of the account that it was written on; that of a transfer, wherever it stands, to the owner
of the transfer's source. A program that took an account that it had not seen for its own owner encrypted such texts for
a subject of the account's id, so forgetting the owner left them readable. There are two ways to them:

- `subjects_of` names the subjects that texts of an owner may be under: the ids of the owner's accounts. One that owns
  accounts itself is a person of its own, whose key holds texts of two people.
- `strays_of` reads the whole log and lists every such text.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import orjson
from azure.cosmos import ContainerProxy

from audit.log import Log
from audit.strays import Stray, Strays, Subjects
from domain.ledger import Account, Transfer, account_stream, transfer_stream
from eventstore.cosmos.queries import run_query
from eventstore.errors import MalformedDocument
from eventstore.log.documents import JSON, Document, event_id
from eventstore.personal import SubjectKeys

_OPENED: Final = "SELECT * FROM c WHERE c.id = @first AND c.type = @type AND CONTAINS(c.state, @text)"
_TOKEN: Final = re.compile(r'"personal:v1:([A-Za-z0-9._-]{1,128}):([0-9]{1,9}):')
_TABLES: Final = """
    PRAGMA journal_mode = OFF;
    CREATE TABLE owners (account TEXT PRIMARY KEY, owner TEXT) WITHOUT ROWID;
    CREATE TABLE sources (transfer TEXT PRIMARY KEY, account TEXT) WITHOUT ROWID;
    CREATE TABLE texts (stream TEXT, document TEXT, account TEXT, transfer TEXT, subject TEXT, key INTEGER)
"""
_STRAYS: Final = """
    SELECT DISTINCT owner, subject, key, stream, document, subject IN (SELECT owner FROM owners)
    FROM texts LEFT JOIN sources USING (transfer)
    JOIN owners ON owners.account = coalesce(sources.account, texts.account)
    WHERE owner <> subject ORDER BY owner, subject, stream, document
"""


def subjects_of(events: ContainerProxy, keys: SubjectKeys, owner: str) -> Subjects:
    """Asks every physical partition for the first events of its streams, a request unit or so for every stream; and
    once more for each account of the owner whose id there ever was a key for."""
    accounts = sorted(set(_accounts_of(events, owner)) - {owner})
    subjects = [account for account in accounts if keys.state(account) is not None]
    shared = tuple(subject for subject in subjects if any(_accounts_of(events, subject)))
    return Subjects(tuple(subject for subject in subjects if subject not in shared), shared)


def _accounts_of(events: ContainerProxy, owner: str) -> Iterator[str]:
    parameters: list[dict[str, object]] = [
        {"name": "@first", "value": event_id(1)},
        {"name": "@type", "value": Account.Opened.TOPIC},
        {"name": "@text", "value": '"owner":' + orjson.dumps(owner).decode()},
    ]
    found = run_query(lambda: events.query_items(_OPENED, parameters=parameters, enable_cross_partition_query=True))
    for document in found:
        if _fields(document).get("owner") == owner:
            yield str(document["streamId"]).removeprefix(account_stream(""))


def strays_of(log: Log) -> list[Stray]:
    """Every text of the log that is not encrypted for its owner, whether its key is destroyed or not.

    What the log says of texts is sorted on disk. A text on an account that was never opened is nobody's, and so is one
    of a refused transfer, as nothing says what its source was to be.

    Raises:
        MalformedDocument: a document is not one of this log.
    """
    with closing(sqlite3.connect("")) as found:
        found.executescript(_TABLES)
        for pages in log.feed():
            for page in pages:
                for document in page:
                    _note(found, document)
        rows = found.execute(_STRAYS)
        return [Stray(owner, whom, key, name, each, bool(both)) for owner, whom, key, name, each, both in rows]


def _note(found: sqlite3.Connection, document: Document) -> None:
    stream, kind, fields = str(document["streamId"]), document["type"], _fields(document)
    account = stream.removeprefix(account_stream("")) if stream.startswith(account_stream("")) else None
    transfer = stream.removeprefix(transfer_stream("")) if stream.startswith(transfer_stream("")) else None
    if kind == Account.Opened.TOPIC:
        found.execute("INSERT OR IGNORE INTO owners VALUES (?, ?)", (account, fields["owner"]))
    elif kind == Transfer.Requested.TOPIC:
        found.execute("INSERT OR IGNORE INTO sources VALUES (?, ?)", (transfer, fields["source"]))
    if account is not None and fields.get("transfer_id") is not None:
        account, transfer = None, fields["transfer_id"]
    for subject, key in _TOKEN.findall(f"{document['state']}\n{document['meta']}"):
        row = (stream, document["id"], account, transfer, subject, int(key))
        found.execute("INSERT INTO texts VALUES (?, ?, ?, ?, ?, ?)", row)


def _fields(document: Document) -> dict[str, Any]:
    try:
        found = orjson.loads(document["state"]) if document["enc"] == JSON else None
    except orjson.JSONDecodeError as error:
        where = f"stream {document['streamId']}, id {document['id']}"
        raise MalformedDocument(f"{where}: {error}: `tidemark audit verify` says what else is wrong") from None
    return found if isinstance(found, dict) else {}


STRAYS: Final = Strays(subjects_of, strays_of)
