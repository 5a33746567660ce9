"""Replicas that are behind: every read without a session is one to three transactions late, all the time.

Two API processes take commands for the same accounts, each command once more by the other one; a worker projects, a
view is rebuilt. What was answered is what is in the log, and every view says what the log says.
"""

import itertools
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from azure.cosmos import CosmosClient

from eventstore.environment import load
from eventstore.log.history import History
from functions.composition import build_services
from functions.hosting import local
from functions.settings import Settings
from localazure.cosmos import LocalCosmos
from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from replay.rebuild.rebuild import rebuild
from replay.verify import verify
from service import SERVICE
from tests.support.asgi import AsgiThread

ACCOUNTS, COMMANDS = 4, 60


@pytest.fixture
def apis(cosmos: LocalCosmos, database: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Two processes: what one of them has seen, the other has not."""
    with ExitStack() as stack:
        clients = [
            stack.enter_context(
                httpx.Client(
                    transport=AsgiThread(
                        local.create_app(
                            SERVICE,
                            build_services(
                                SERVICE, load(Settings, auth="none", max_wait_ms=200), cosmos.client(), database
                            ),
                        )
                    ),
                    base_url="http://localhost",
                )
            )
            for _ in range(2)
        ]
        yield clients[0], clients[1]


def be_late(cosmos: LocalCosmos) -> None:
    for lag, probability in ((1, 1.0), (2, 0.5), (3, 0.25)):
        cosmos.faults.add(lag=lag, probability=probability, seed=lag)


class Tellers:
    """Post commands to one API or the other, each again to the other, and add up what was accepted."""

    def __init__(self, apis: tuple[httpx.Client, httpx.Client]) -> None:
        self._apis = apis
        self._keys = itertools.count()
        self._random = random.Random(11)
        self.balances: dict[str, int] = {}

    def open(self, account: str) -> None:
        assert self._post("/accounts", {"account_id": account, "asset": "EUR/2", "owner": "olga"}).status_code == 201
        self.balances[account] = 0

    def move(self) -> None:
        account = self._random.choice(list(self.balances))
        amount = self._random.randint(1, 20)
        what, sign = self._random.choice([("deposits", 1), ("withdrawals", -1)])
        if self._post(f"/accounts/{account}/{what}", {"amount": amount}).status_code == 201:
            self.balances[account] += sign * amount

    def _post(self, path: str, body: dict[str, object]) -> httpx.Response:
        headers = {"Idempotency-Key": f"key-{next(self._keys)}"}
        first, second = self._random.sample(self._apis, 2)
        answer = first.post(path, json=body, headers=headers)
        assert answer.status_code in (201, 422), answer.text
        again = second.post(path, json=body, headers=headers)
        assert (again.status_code, again.json()) == (answer.status_code, answer.json())
        return answer


@pytest.mark.timeout(120)
def test_two_apis_a_worker_and_a_rebuild_are_right_on_replicas_that_are_late(
    cosmos: LocalCosmos,
    client: CosmosClient,
    database: str,
    stores: Database,
    settings: WorkerSettings,
    apis: tuple[httpx.Client, httpx.Client],
) -> None:
    tellers, stop = Tellers(apis), threading.Event()
    be_late(cosmos)
    for number in range(ACCOUNTS):
        tellers.open(f"acc{number}")
    worker = threading.Thread(
        target=lambda: Worker(cosmos.client(), database, settings=settings, views=VIEWS.values()).run(stop)
    )
    worker.start()
    try:
        for number in range(COMMANDS):
            tellers.move()
            if number == COMMANDS // 2:
                rebuild(cosmos.client(), database, VIEWS["account-summary"], settings=settings)
    finally:
        stop.set()
        worker.join()
    assert min(rule.fired for rule in cosmos.faults.rules()) > COMMANDS
    cosmos.faults.clear()
    Worker(client, database, settings=settings, views=VIEWS.values()).run_until_idle(60)
    assert stores.registry.of("account-summary").serving == 2
    history = History(client.get_database_client(database).get_container_client("events"))
    for account, balance in tellers.balances.items():
        shown = apis[0].get(f"/accounts/{account}?consistency=strong").json()
        assert shown["balance"] == balance
        assert history.verify(account).faults == ()
    for view in VIEWS:
        verified = verify(stores, VIEWS[view], settle=0)
        assert verified.right, verified.different
