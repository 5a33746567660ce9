"""Short ways to set a ledger up and to look at it."""

from typing import Any

from domain.ledger import Account, Transfer, account_stream, transfer_stream
from tests.ledger.domain.ledger import Ledger
from tests.ledger.domain.scenario import NOON


def open_account(ledger: Ledger, name: str, asset: str = "EUR/2") -> None:
    ledger.execute(account_stream(name), "open", lambda _: Account.open(name, asset=asset, owner="s", at=NOON))


def change(ledger: Ledger, name: str, command: Any) -> str | None:
    def decide(account: Account) -> Account:
        command(account)
        return account

    return ledger.execute(account_stream(name), f"client-{len(ledger.outcomes)}", decide)


def request(ledger: Ledger, transfer_id: str, **changes: Any) -> None:
    movement = {"source": "alice", "target": "bob", "amount": 500, "asset": "EUR/2", "reference": "rent", **changes}
    ledger.execute(
        transfer_stream(transfer_id), "request", lambda _: Transfer.request(transfer_id, at=NOON, **movement)
    )


def request_reversal(ledger: Ledger, transfer_id: str, reverses: str = "t1", **changes: Any) -> None:
    back = {"source": "bob", "target": "alice", "reverses": reverses, "reason": "sent twice", **changes}
    request(ledger, transfer_id, **back)


def account(ledger: Ledger, name: str) -> tuple[int, int]:
    loaded = ledger.load(account_stream(name))
    return loaded.balance, loaded.held


def transfer(ledger: Ledger, transfer_id: str) -> Transfer:
    loaded: Transfer = ledger.load(transfer_stream(transfer_id))
    return loaded


def failure(ledger: Ledger, transfer_id: str) -> tuple[str, str]:
    event = ledger.streams[transfer_stream(transfer_id)][-1]
    assert isinstance(event, Transfer.Failed)
    return event.step, event.code
