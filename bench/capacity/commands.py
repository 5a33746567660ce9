"""What commands and queries cost through the HTTP apps: requests and request units, and processor time."""

from __future__ import annotations

from bench.capacity.api import Api
from bench.capacity.figures import Cost
from bench.capacity.ledger import Ledger

SNAPSHOT_EVERY = 50
"""Events between two snapshots, as functions.composition has it."""
BEHIND = 25
"""Events since the last snapshot that a cold command reads, on average."""


ROUNDS = 5
"""Of which the best counts, where processor time is measured."""


def measure_commands(ledger: Ledger) -> dict[str, Cost]:
    """By name. Every command is one HTTP request."""
    first, second = ledger.api(), ledger.api()
    account = "measured-000000000001"
    body = {"account_id": account, "asset": "EUR/2", "owner": "subject-000000000001"}
    costs = {"account opened": ledger.cost(lambda: ledger.accept(first, "/accounts", body))}
    _deposits(ledger, first, account, 2 * SNAPSHOT_EVERY - 1)  # an even number of snapshots: the next one is replaced
    warm = ledger.cost(lambda: _deposits(ledger, first, account, SNAPSHOT_EVERY))
    costs["deposit, warm"] = warm * (1 / SNAPSHOT_EVERY)
    _deposits(ledger, first, account, BEHIND)
    costs["deposit, cold"] = ledger.cost(lambda: ledger.deposit(second, account))
    costs["deposit, overtaken by another process"] = ledger.cost(lambda: ledger.deposit(first, account))
    costs["withdrawal refused, warm"] = ledger.cost(lambda: _overdraw(ledger, first, account))
    key = ledger.key()
    ledger.deposit(first, account, key)
    costs["deposit repeated, same process"] = ledger.cost(lambda: ledger.deposit(first, account, key))
    third = ledger.api()
    costs["deposit repeated, another process"] = ledger.cost(lambda: ledger.deposit(third, account, key))
    costs["transfer requested"] = ledger.cost(lambda: _transfer(ledger, first, account))
    for api in (first, second, third):
        api.close()
    return costs


def measure_queries(ledger: Ledger) -> dict[str, Cost]:
    """By name; views caught up, the registry of generations already read."""
    api = ledger.api()
    path = "/accounts/measured-000000000001"
    paths = {
        "account": path,
        "statement, page of 50": f"{path}/statement?limit=50",
        "account, strong": f"{path}?consistency=strong",
    }
    costs = {}
    for name, target in paths.items():
        ledger.fetch(api, target)
        costs[name] = ledger.cost(lambda target=target: ledger.fetch(api, target))  # type: ignore[misc]
    api.close()
    return costs


def measure_command_cpu(ledger: Ledger, calls: int) -> dict[str, float]:
    """Microseconds per HTTP request inside the app, without host, socket, TLS, token and server."""
    api = ledger.api()
    account = "measured-000000000001"
    target = f"/accounts/{account}"
    for _ in range(calls // 10):
        ledger.deposit(api, account)
        ledger.fetch(api, target)
    deposits = min(ledger.cpu(lambda: _deposits(ledger, api, account, calls)) for _ in range(ROUNDS)) / calls
    queries = min(ledger.cpu(lambda: _fetches(ledger, api, target, calls)) for _ in range(ROUNDS)) / calls
    api.close()
    return {"command": round(deposits), "query": round(queries)}


def _deposits(ledger: Ledger, api: Api, account: str, count: int) -> None:
    for _ in range(count):
        ledger.deposit(api, account)


def _fetches(ledger: Ledger, api: Api, path: str, count: int) -> None:
    for _ in range(count):
        ledger.fetch(api, path)


def _overdraw(ledger: Ledger, api: Api, account: str) -> None:
    status, answer = api.send("POST", f"/accounts/{account}/withdrawals", {"amount": 10**12}, ledger.key())
    if status < 400 or status >= 500:
        raise RuntimeError(f"an overdraft was answered with {status}: {answer}")


def _transfer(ledger: Ledger, api: Api, account: str) -> None:
    body = {"source": account, "target": "customer-000000000000", "asset": "EUR/2", "amount": 100}
    ledger.accept(api, "/transfers", body)
