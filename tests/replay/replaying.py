"""Helpers of the replay tests: a server over HTTP for the command line, and accounts with history."""

import random
import uuid
from datetime import UTC, datetime

from azure.cosmos import ContainerProxy

from domain.ledger.account import Account
from eventstore.log.chain import genesis
from eventstore.log.documents import command_ids, event_id, sealed
from eventstore.log.mapper import Mapper, schema_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class History:
    """Appends random movements of a few accounts, each command in one transaction."""

    def __init__(self, container: ContainerProxy, accounts: int = 6) -> None:
        self._container = container
        self._mapper: Mapper[str] = Mapper()
        self._heads: dict[str, tuple[int, str]] = {}
        self._random = random.Random(5)
        self.accounts = [
            Account.open(f"acc{number}", asset="EUR/2", owner="olga", at=NOON) for number in range(accounts)
        ]
        for account in self.accounts:
            account.deposit(10_000, at=NOON)
            self.save(account)

    def write(self, commands: int) -> None:
        for _ in range(commands):
            account = self._random.choice(self.accounts)
            match self._random.randrange(4):
                case 0:
                    account.withdraw(self._random.randint(1, 9), at=NOON)
                case 1:
                    account.place_hold(self._random.randint(1, 9), at=NOON)
                case 2 if account.holds.open:
                    account.capture_hold(next(iter(account.holds.open)), at=NOON)
                case _:
                    account.deposit(self._random.randint(1, 99), at=NOON)
            self.save(account)

    def open(self) -> None:
        """One more account of the same owner, with money."""
        account = Account.open(f"acc{len(self.accounts)}", asset="EUR/2", owner="olga", at=NOON)
        account.deposit(10_000, at=NOON)
        self.accounts.append(account)
        self.save(account)

    def save(self, account: Account) -> None:
        documents = []
        events = list(account.collect_events())
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
                meta={"id": uuid.uuid4().hex, "recorded_at": datetime.now(UTC).isoformat()},
                command_id=command_id,
                prev=prev,
            )
            self._heads[account.id] = (version + 1, document["hash"])
            documents.append(document)
        self._container.execute_item_batch([("create", (document,)) for document in documents], account.id)
