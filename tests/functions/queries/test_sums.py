"""Sums beyond 2^53, which a store of IEEE doubles and clients in JavaScript would round."""

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from azure.cosmos import CosmosClient

from audit.ledger.money import decimal
from domain.ledger.values import MAX_AMOUNT, MAX_BALANCE
from functions.http.dependencies import Dependencies
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from replay.rebuild.rebuild import rebuild
from replay.verify import verify
from tests.functions.conftest import Ledger

ACCOUNTS = 12
TOTAL = ACCOUNTS * MAX_AMOUNT


def numbers_in(value: Any) -> Iterator[int | float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, int | float):
        yield value


@pytest.fixture
def sent(cosmos: LocalCosmos) -> Iterator[list[bytes]]:
    """What is written to the views."""
    bodies: list[bytes] = []

    def look(info: RequestInfo, phase: str) -> None:
        if phase == "before" and info.container == "views" and info.body:
            bodies.append(info.body)

    remove = cosmos.faults.on_request(look)
    yield bodies
    remove()


def fill(ledger: Ledger) -> None:
    for number in range(ACCOUNTS):
        ledger.open(f"a{number}", balance=MAX_AMOUNT)
        assert ledger.post(f"/accounts/a{number}/deposits", {"amount": 3}).status_code == 201


def test_a_sum_beyond_2_to_the_53_is_kept_exact_and_told_as_text(
    api: httpx.Client, ledger: Ledger, worker: Worker, client: CosmosClient, database: str, sent: list[bytes]
) -> None:
    fill(ledger)
    assert worker.run_until_idle(30).idle
    (day,) = api.get("/totals?asset=EUR/2").json()["data"]
    assert (day["deposits"], day["movements"]) == (str(TOTAL + 3 * ACCOUNTS), 2 * ACCOUNTS)
    assert all(abs(number) <= MAX_BALANCE for body in sent for number in numbers_in(orjson.loads(body)))
    stores = Database.open(client, database)
    assert verify(stores, VIEWS["ledger-totals"], settle=0).right
    rebuild(client, database, VIEWS["ledger-totals"])
    assert api.get("/totals?asset=EUR/2").json()["data"] == [day]


def test_sums_that_were_stored_as_numbers_are_added_to(
    api: httpx.Client, ledger: Ledger, worker: Worker, client: CosmosClient, database: str
) -> None:
    """As they are read back from a store of doubles: whole numbers, some of them floats."""
    ledger.open("alice", balance=5)
    assert worker.run_until_idle(30).idle
    container = client.get_database_client(database).get_container_client("views")
    stored = "SELECT * FROM c WHERE STARTSWITH(c.pk, 'ledger-totals@') AND IS_DEFINED(c.key)"
    for row in container.query_items(stored, enable_cross_partition_query=True):
        row["sums"] |= {"deposits": 1e16, "movements": 7}
        container.replace_item(row["id"], row)
    ledger.post("/accounts/alice/deposits", {"amount": 3})
    assert worker.run_until_idle(30).idle
    (day,) = api.get("/totals?asset=EUR/2").json()["data"]
    assert (day["deposits"], day["movements"]) == ("10000000000000003", 8)


def test_no_answer_has_a_number_that_a_client_would_round(api: httpx.Client, ledger: Ledger, worker: Worker) -> None:
    """Not even what an account may debit in a day, or what auditors see of all accounts together."""
    fill(ledger)
    for _ in range(9):
        ledger.post("/accounts/a0/withdrawals", {"amount": MAX_AMOUNT})
        ledger.post("/accounts/a0/deposits", {"amount": MAX_AMOUNT})
    refused = ledger.post("/accounts/a0/withdrawals", {"amount": MAX_AMOUNT})
    assert (refused.status_code, refused.json()["code"]) == (422, "LIMIT_EXCEEDED")
    assert refused.json()["allowed"] == MAX_BALANCE
    assert worker.run_until_idle(30).idle
    for address in ("/totals?asset=EUR/2", "/accounts/a0", "/audit/data/health", "/audit/data/streams/account-a0"):
        answer = api.get(address)
        assert answer.status_code == 200, answer.text
        assert all(abs(number) <= MAX_BALANCE for number in numbers_in(answer.json())), address


def test_money_of_more_than_2_to_the_53_is_found_conserved(
    api: httpx.Client, ledger: Ledger, worker: Worker, services: Dependencies
) -> None:
    fill(ledger)
    assert worker.run_until_idle(30).idle
    (found,) = [check for check in api.get("/audit/data/health").json()["checks"] if check["name"] == "conservation"]
    whole = decimal(TOTAL + 3 * ACCOUNTS, "EUR/2")
    (row,) = found["rows"]
    assert (row["cells"], row["word"]) == (
        ["EUR/2", whole, whole, "0.00"],
        "conserved",
    )
    assert "NOT conserved" not in api.get("/audit/health").text
