"""A small ledger in a local Cosmos DB for audits: commands with who, why and as part of what; hands that tamper."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.cosmos import ContainerProxy, CosmosClient

from audit.ledger import NARRATION
from audit.log import Log
from audit.trail.trace import Traces
from audit.trail.trail import AuditTrail
from domain.ledger import Account, Refused, Snapshot, Transfer, account_stream, fold, require_account, transfer_stream
from eventstore.commands.store import Command, CommandStore, Outcome
from eventstore.log.chain import link
from eventstore.log.documents import Document, event_id
from eventstore.log.mapper import Mapper
from projectors.ledger.processes import TransferDriver

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


class Bank:
    """Every command comes a minute after the one before."""

    def __init__(self, client: CosmosClient, database: str) -> None:
        proxy = client.get_database_client(database)
        self.events: ContainerProxy = proxy.get_container_client("events")
        self.log = Log(self.events)
        self.clock = Clock()
        self.store = CommandStore(proxy, mapper=Mapper(), fold=fold, refusals=Refused, snapshot_class=Snapshot)
        self._keys = itertools.count(1)

    @property
    def trail(self) -> AuditTrail:
        return AuditTrail(self.log, Mapper(), NARRATION)

    @property
    def traces(self) -> Traces:
        return Traces(self.log, Mapper(), NARRATION)

    # What clients do

    def execute(self, stream: str, decide: Callable[[Any], Any], key: str | None = None, **metadata: str) -> Outcome:
        key = key or f"key-{next(self._keys)}"
        given = {"recorded_at": self.clock.now.isoformat(), "actor": "user:clerk", "correlation": f"story-{key}"}
        outcome = self.store.execute(stream, Command(key, key, given | metadata), decide)
        self.clock.now += timedelta(minutes=1)
        return outcome

    def open(self, name: str, /, balance: int = 0, **fields: Any) -> None:
        given = {"asset": "EUR/2", "owner": "subject-1"} | fields
        self.execute(account_stream(name), lambda _: Account.open(name, at=self.clock.now, **given))
        if balance:
            self.act(name, lambda account: account.deposit(balance, at=self.clock.now))

    def act(self, name: str, command: Callable[[Account], None], **metadata: str) -> Outcome:
        def decide(account: Account | None) -> Account:
            account = require_account(account, name)
            command(account)
            return account

        return self.execute(account_stream(name), decide, **metadata)

    def deposit(self, name: str, amount: int, **metadata: str) -> Outcome:
        return self.act(name, lambda account: account.deposit(amount, at=self.clock.now), **metadata)

    def transfer(self, transfer_id: str = "t1", amount: int = 300, *, drive: bool = True, **fields: Any) -> None:
        given = {"source": "alice", "target": "bob", "amount": amount, "asset": "EUR/2"} | fields
        self.execute(
            transfer_stream(transfer_id),
            lambda _: Transfer.request(transfer_id, at=self.clock.now, **given),
            correlation=f"story-{transfer_id}",
        )
        if drive:
            TransferDriver(self.store, self.log.history, clock=self.clock).drive(transfer_id)

    # What somebody with the keys of the database does

    def document(self, stream: str, version: int) -> Document:
        return self.events.read_item(event_id(version), stream)

    def remove(self, stream: str, *versions: int) -> None:
        for version in versions:
            self.events.delete_item(event_id(version), stream)

    def alter(self, stream: str, version: int, **fields: Any) -> None:
        self.events.replace_item(event_id(version), self.document(stream, version) | fields)

    def rewrite(self, stream: str, version: int, old: str, new: str) -> None:
        """Alter an event's state and make every hash from there on fit again."""
        document, before = self.document(stream, version), None
        document["state"] = document["state"].replace(old, new)
        while True:
            document["prev"] = before or document["prev"]
            before = document["hash"] = hash_of(document)
            self.events.replace_item(document["id"], document)
            version += 1
            found = list(self.log.history.documents(stream, after=version - 1, upto=version))
            if not found:
                return
            document = found[0]


def hash_of(document: Document) -> str:
    return link(
        document["prev"],
        stream=document["streamId"],
        version=document["version"],
        type_name=document["type"],
        schema=document["schema"],
        enc=document["enc"],
        state=document["state"],
        meta=document["meta"],
        command_id=document["commandId"],
    )
