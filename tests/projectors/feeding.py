"""A log to project: accounts whose events are appended as the event store does it, one command per batch."""

import itertools
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.cosmos import ContainerProxy, CosmosClient

from domain.account import Account, account_stream
from eventstore.chain import genesis
from eventstore.documents import command_ids, event_id, sealed
from eventstore.mapper import Mapper, schema_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Ledger:
    """Appends events of accounts; `appended` counts them."""

    def __init__(self, container: ContainerProxy) -> None:
        self.container = container
        self.accounts: dict[str, Account] = {}
        self.appended = 0
        self._mapper: Mapper = Mapper()
        self._heads: dict[str, tuple[int, str]] = {}
        self._clock = itertools.count()

    def open(self, name: str, asset: str = "EUR/2", owner: str = "olga") -> Account:
        account = Account.open(name, asset=asset, owner=owner, at=self.now())
        self.accounts[name] = account
        self.save(account)
        return account

    def deposit(self, name: str, amount: int, **details: Any) -> None:
        self.act(name, lambda account: account.deposit(amount, at=self.now(), **details))

    def withdraw(self, name: str, amount: int, **details: Any) -> None:
        self.act(name, lambda account: account.withdraw(amount, at=self.now(), **details))

    def act(self, name: str, *commands: Callable[[Account], None]) -> None:
        """Several commands in one transaction."""
        for command in commands:
            command(self.accounts[name])
        self.save(self.accounts[name])

    def now(self) -> datetime:
        return NOON + timedelta(seconds=next(self._clock))

    def save(self, account: Account) -> None:
        documents = []
        events = account.collect_events()
        ids = command_ids(uuid.uuid4().hex, len(events))
        for event, command_id in zip(events, ids, strict=True):
            stored = self._mapper.to_stored_event(event)
            documents.append(self.seal(account.id, stored.topic, stored.state, command_id, schema_of(type(event))))
        self.container.execute_item_batch([("create", (document,)) for document in documents], account.id)
        self.appended += len(documents)

    def corrupt(self, name: str, type_name: str = "account.funds-credited") -> None:
        """Appends an event that nothing can read."""
        document = self.seal(account_stream(name), type_name, b'{"amount": "much"}', uuid.uuid4().hex, 1)
        self.container.create_item(document)
        self.accounts[name]._version += 1
        self.appended += 1

    def seal(self, stream: str, type_name: str, state: bytes, command_id: str, schema: int) -> dict[str, Any]:
        version, prev = self._heads.get(stream, (0, genesis(stream)))
        document = sealed(
            event_id(version + 1),
            stream=stream,
            version=version + 1,
            type_name=type_name,
            schema=schema,
            state=state,
            meta={"id": uuid.uuid4().hex, "recorded_at": self.now().isoformat()},
            command_id=command_id,
            prev=prev,
        )
        self._heads[stream] = (version + 1, document["hash"])
        return document


def documents(client: CosmosClient, database: str, prefix: str) -> dict[str, dict[str, Any]]:
    """What is stored in a view's generation, by bucket and id, without what the store adds."""
    container = client.get_database_client(database).get_container_client("views")
    rows = container.query_items(
        "SELECT * FROM c WHERE STARTSWITH(c.pk, @prefix)",
        parameters=[{"name": "@prefix", "value": f"{prefix}:"}],
        enable_cross_partition_query=True,
    )
    return {
        f"{row['pk'].partition(':')[2]}/{row['id']}": {
            name: value for name, value in row.items() if name != "pk" and not name.startswith("_")
        }
        for row in rows
    }
