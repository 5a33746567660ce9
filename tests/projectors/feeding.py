"""A log to project: accounts whose events are appended as the event store does it, one command per batch."""

import itertools
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.cosmos import ContainerProxy, CosmosClient

from domain.ledger.account import Account, account_stream
from eventstore.log.chain import genesis
from eventstore.log.documents import command_ids, event_id, sealed
from eventstore.log.mapper import Mapper, schema_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Ledger:
    """Appends events of accounts; `appended` counts them."""

    def __init__(self, container: ContainerProxy) -> None:
        self.container = container
        self.accounts: dict[str, Account] = {}
        self.appended = 0
        self.events: list[Any] = []
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
        events = list(account.collect_events())
        self.events += events
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


@dataclass
class Facts:
    """What the views should show, or do, in plain values."""

    balances: dict[str, tuple[int, int]]
    statements: dict[str, list[tuple[int, int, int]]]
    holds: dict[str, set[int]]
    totals: dict[str, dict[str, int]]


def told_by_the_log(ledger: Ledger) -> Facts:
    """A fold of the events that shares nothing with the product's views."""
    facts = Facts({}, {}, {}, {})
    held: dict[tuple[str, int], int] = {}
    for event in ledger.events:
        name = event.originator_id.removeprefix("account-")
        kind = type(event).__name__
        balance, on_hold = facts.balances.setdefault(name, (0, 0))
        statement = facts.statements.setdefault(name, [])
        holds = facts.holds.setdefault(name, set())
        signed = {"FundsCredited": 1, "FundsDebited": -1, "HoldCaptured": -1}.get(kind, 0)
        if signed:
            balance += signed * event.amount
            statement.append((event.originator_version, signed * event.amount, balance))
        if kind == "HoldPlaced":
            held[name, event.hold_id] = event.amount
            on_hold += event.amount
            holds.add(event.hold_id)
        if kind in ("HoldCaptured", "HoldReleased"):
            on_hold -= held[name, event.hold_id]
            holds.remove(event.hold_id)
        facts.balances[name] = (balance, on_hold)
        total = facts.totals.setdefault(f"{ledger.accounts[name].asset.replace('/', '-')}:{event.timestamp.date()}", {})
        title = {"FundsCredited": "deposits", "FundsDebited": "withdrawals", "HoldCaptured": "captures"}.get(kind)
        if title:
            total[title] = total.get(title, 0) + event.amount
    return facts


def shown_by_the_views(client: CosmosClient, database: str, generation: int = 1, views: Collection[str] = ()) -> Facts:
    """What is stored, out of the container, with nothing between; of some views only, when they are given."""
    facts = Facts({}, {}, {}, {})

    def of(view: str) -> list[dict[str, Any]]:
        return rows(client, database, view, generation) if not views or view in views else []

    for row in of("account-summary"):
        facts.balances[row["id"][1:]] = (row["state"]["balance"], row["state"]["held"])
    for row in sorted(of("statement"), key=lambda row: row["id"]):
        entries = facts.statements.setdefault(row["stream"].removeprefix("account-"), [])
        if "data" in row:
            entries.append((row["data"]["version"], row["data"]["signed"], row["data"]["balance"]))
    for row in of("active-holds"):
        holds = facts.holds.setdefault(row["stream"].removeprefix("account-"), set())
        if "data" in row:
            holds.add(row["data"]["hold"])
    for row in of("ledger-totals"):
        if "key" in row:
            total = facts.totals.setdefault(row["key"], {})
            for title in ("deposits", "withdrawals", "captures"):
                if title in row["sums"]:
                    total[title] = total.get(title, 0) + row["sums"][title]
    return facts


def rows(client: CosmosClient, database: str, view: str, generation: int = 1) -> list[dict[str, Any]]:
    """All documents of a view's generation."""
    container = client.get_database_client(database).get_container_client("views")
    return list(
        container.query_items(
            "SELECT * FROM c WHERE STARTSWITH(c.pk, @prefix)",
            parameters=[{"name": "@prefix", "value": f"{view}@{generation}:"}],
            enable_cross_partition_query=True,
        )
    )
