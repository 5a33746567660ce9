"""A log for the benches of views and rebuilds: accounts with deposits, five events to a transaction.

python -m bench.projectors.log            times writing 10,000 events of it
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from azure.cosmos import ContainerProxy

from domain.ledger.account import Account
from eventstore.cosmos.containers import create_containers
from eventstore.log.chain import genesis
from eventstore.log.documents import Document, command_ids, event_id, sealed
from eventstore.log.mapper import Mapper, schema_of
from localazure.cosmos import LocalCosmos
from projectors.ledger import VIEWS

DATABASE = "tidemark"
AT = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS_PER_COMMAND = 5


class Log:
    """Appends to the container `events` what commands would, without their cost."""

    def __init__(self, container: ContainerProxy, accounts: int, *, per_command: int = EVENTS_PER_COMMAND) -> None:
        self._container = container
        self._per_command = per_command
        self._mapper: Mapper[str] = Mapper()
        self._heads: dict[str, tuple[int, str]] = {}
        self._random = random.Random(1)
        self._accounts = [
            Account.open(f"a{number}", asset="EUR/2", owner=f"o{number % 100}", at=AT) for number in range(accounts)
        ]
        self.size = 0
        for account in self._accounts:
            self._append(account)

    def grow(self, events: int) -> None:
        """About so many events more, spread over all accounts."""
        for _ in range(max(1, events // self._per_command)):
            self.deposit(self._per_command)

    def deposit(self, times: int = 1) -> tuple[str, int]:
        """One command on any account; its stream and version afterwards."""
        account = self._random.choice(self._accounts)
        for _ in range(times):
            account.deposit(self._random.randint(1, 10_000), at=AT)
        return self._append(account)

    def _append(self, account: Account) -> tuple[str, int]:
        documents = list(self._documents(account))
        self._container.execute_item_batch([("create", (document,)) for document in documents], account.id)
        self.size += len(documents)
        return account.id, int(documents[-1]["version"])

    def _documents(self, account: Account) -> Iterator[Document]:
        events = list(account.collect_events())
        recorded_at = datetime.now(UTC).isoformat()
        for event, command_id in zip(events, command_ids(uuid.uuid4().hex, len(events)), strict=True):
            stored = self._mapper.to_stored_event(event)
            version, prev = self._heads.get(account.id, (0, genesis(account.id)))
            document = sealed(
                event_id(version + 1),
                stream=account.id,
                version=version + 1,
                type_name=stored.topic,
                schema=schema_of(type(event)),
                state=stored.state,
                meta={"id": str(uuid.uuid4()), "recorded_at": recorded_at},
                command_id=command_id,
                prev=prev,
            )
            self._heads[account.id] = (version + 1, document["hash"])
            yield document


def main() -> None:
    with LocalCosmos() as cosmos:
        client = cosmos.client(no_response_on_write=True)
        create_containers(client, DATABASE, VIEWS.indexed)
        log = Log(client.get_database_client(DATABASE).get_container_client("events"), 100)
        began = time.perf_counter()
        log.grow(10_000)
        print(f"{10_000 / (time.perf_counter() - began):,.0f} events/s written")


if __name__ == "__main__":
    main()
