"""The proof: all views rebuilt, by a process that is killed three times, while writers write and readers read.

Partitions split, one request in twenty is throttled. No answer of the API fails or goes back, and in the end every
view of every generation that serves is what the log says, which is compared with what was written, too.

TIDEMARK_PROOF=full writes and reads for longer, on more accounts, and every request takes as long as over a network.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from azure.cosmos import CosmosClient

from eventstore.environment import load
from functions.composition import build_services
from functions.hosting import local
from functions.settings import Settings
from localazure.cosmos import LocalCosmos, serve
from projectors.database import Database
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from replay.verify import verify
from service import SERVICE
from tests.replay.replaying import History
from tests.support.asgi import AsgiThread

FULL = os.environ.get("TIDEMARK_PROOF") == "full"
ACCOUNTS, COMMANDS = (200, 6_000) if FULL else (30, 400)
PATIENCE = 900.0 if FULL else 150.0
WRITE_EVERY, LOOK_EVERY = (0.03, 0.2) if FULL else (0.1, 0.6)
"""Seconds between commands, and between rounds of sixteen queries."""
LATENCY = 0.006 if FULL else 0.0
"""Seconds that every request takes, as over a network: what has to be read at rest is written meanwhile."""
IDLE = 0.1 if FULL else 0.5
"""Seconds between looks at a feed that is caught up."""


class Background:
    """Loops in threads of their own; what goes wrong in them fails the test."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.trouble: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def run(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - told by `end`
                self.trouble.append(error)

        self._threads.append(threading.Thread(target=guarded, daemon=True))  # a test that failed is over
        self._threads[-1].start()

    def repeat(self, work: Callable[[], None], *, pause: float) -> None:
        def loop() -> None:
            while not self.stop.wait(pause):
                work()

        self.run(loop)

    def end(self) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert self.trouble == []


class Readers:
    """Ask the API for everything, over and over, and remember the highest that it answered."""

    def __init__(self, api: httpx.Client, accounts: list[str]) -> None:
        self._api = api
        self._accounts = accounts
        self.highest: dict[str, int] = {}
        self.answers = 0

    def look(self) -> None:
        for account in self._accounts:
            for what in ("", "/statement?limit=5", "/holds"):
                answer = self._get(f"/accounts/{account}{what}")
                self._not_before(f"{account}{what}", int(answer.headers["ETag"].strip('"')))
        totals = self._get("/totals?asset=EUR/2").json()
        self._not_before("totals", sum(day["movements"] for day in totals["data"]))

    def _get(self, path: str) -> httpx.Response:
        answer = self._api.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        self.answers += 1
        return answer

    def _not_before(self, name: str, version: int) -> None:
        assert version >= self.highest.get(name, 0), (name, version, self.highest[name])
        self.highest[name] = version


class Operator:
    """Starts `tidemark replay rebuild`, kills it at a moment, starts it again."""

    def __init__(self, endpoint: str, stores: Database) -> None:
        settings = {"COSMOS_ENDPOINT": endpoint, "WORKER_PAGE": "100", "WORKER_REFRESH": "0.5"}
        self._environment = {**os.environ, **settings, "PYTHONPATH": str(Path(__file__).parents[3])}
        self._stores = stores

    def rebuild(self, *views: str, max_ru: int = 1_000_000) -> "subprocess.Popen[str]":
        command = [Path(sys.executable).parent / "tidemark", "replay", "rebuild", *views, "--max-ru", str(max_ru)]
        return subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def kill_once(self, process: "subprocess.Popen[str]", moment: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not moment():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end, "the moment to kill it never came"
            time.sleep(0.01)
        process.kill()
        process.communicate()

    def finish(self, process: "subprocess.Popen[str]") -> str:
        """What it told; after the time allowed it is killed, and what it told says where it was."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=PATIENCE)[0]
        process.kill()
        return process.communicate()[0]

    def begun(self, view: str) -> bool:
        return self._stores.registry.of(view).building is not None

    def stored(self, view: str) -> bool:
        """Whether items of the generation that is being built are there."""
        building = self._stores.registry.of(view).building
        prefix = f"{view}@{building.generation if building else 0}:"
        return bool(self._stores.views.query("SELECT TOP 1 c.id FROM c WHERE STARTSWITH(c.pk, @prefix)", prefix=prefix))

    def checkpointed(self, view: str) -> bool:
        building = self._stores.registry.of(view).building
        return building is not None and any(
            lease.events for lease in self._stores.leases.of(f"{view}@{building.generation}")
        )


@pytest.fixture
def ledger(client: CosmosClient, database: str) -> History:
    ledger = History(client.get_database_client(database).get_container_client("events"), ACCOUNTS)
    ledger.write(COMMANDS)
    Worker(client, database, views=VIEWS.values()).run_until_idle(PATIENCE)
    return ledger


@pytest.fixture
def readers(client: CosmosClient, database: str, ledger: History) -> Iterator[Readers]:
    services = build_services(SERVICE, load(Settings, auth="none", max_wait_ms=10_000), client, database)
    with httpx.Client(transport=AsgiThread(local.create_app(SERVICE, services)), base_url="http://localhost") as api:
        yield Readers(api, [account.account_id for account in ledger.accounts[:5]])


@pytest.mark.timeout(1800 if FULL else 400)
def test_all_views_are_rebuilt_under_load_splits_throttling_and_three_kills_and_nobody_notices(
    cosmos: LocalCosmos, client: CosmosClient, database: str, stores: Database, ledger: History, readers: Readers
) -> None:
    settings = WorkerSettings(parallel=0, refresh=0.2, idle_min=0.02, idle_max=IDLE, lease=3.0)
    background, server = Background(), serve(cosmos)
    operator = Operator(server.endpoint, stores)
    background.repeat(lambda: ledger.write(1), pause=WRITE_EVERY)
    background.repeat(readers.look, pause=LOOK_EVERY)
    background.run(lambda: Worker(client, database, settings=settings, views=VIEWS.values()).run(background.stop))
    if LATENCY:
        cosmos.faults.add(delay=LATENCY)
    for number, container in enumerate(("views", "leases")):
        cosmos.faults.add(status=429, retry_after_ms=2, probability=0.05, seed=number, container=container)
    cosmos.faults.add(status=429, retry_after_ms=2, probability=0.05, seed=9, operation="changefeed")
    try:
        left = sorted(VIEWS)
        first = operator.rebuild(*left, max_ru=2_000)
        operator.kill_once(first, lambda: operator.begun("account-summary"))
        cosmos.split(database, "events")
        operator.kill_once(operator.rebuild(*left), lambda: operator.stored("active-holds"))
        cosmos.split(database, "events")
        left = [view for view in left if stores.registry.of(view).serving == 1]
        assert "statement" in left
        operator.kill_once(operator.rebuild(*left, max_ru=20_000), lambda: operator.checkpointed("statement"))
        left = [view for view in left if stores.registry.of(view).serving == 1]
        last = operator.rebuild(*left)
        told = operator.finish(last)
        assert last.returncode == 0, told
        assert told.count("digests match") == len(left)
    finally:
        background.stop.set()
        cosmos.faults.clear()
        server.close()
    background.end()
    assert readers.answers > 100
    Worker(client, database, settings=settings, clock=lambda: time.time() + 1000, views=VIEWS.values()).run_until_idle(
        PATIENCE
    )
    for view in VIEWS:
        assert stores.registry.of(view).serving == 2, view
        verified = verify(stores, VIEWS[view], settle=0)
        assert verified.right, verified.different
    for account in ledger.accounts:
        shown = readers._get(f"/accounts/{account.account_id}").json()
        assert (shown["balance"], shown["held"]) == (account.balance, account.held)
