"""docs/your-own-domain.md, done as it says: its files are written, its names registered, its session replayed.

Run by test_your_own_domain.py in a process of its own: event types and refusals are registered for good.
"""

import ast
import doctest
import importlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from azure.cosmos import CosmosClient
from fastapi import APIRouter

from eventstore.environment import load
from eventstore.log.history import History
from functions.composition import build_services
from functions.http import problems
from functions.http.app import create
from functions.settings import Settings
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from replay.rebuild.rebuild import rebuild
from service import SERVICE
from tests.functions.transport import AsgiThread

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "your-own-domain.md").read_text(encoding="utf-8")
FILES = {
    block.splitlines()[0].removeprefix("# "): block for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
}
NAMES = re.findall(r"^\| (?:`(\w+)`|the routers) of `([\w/.]+)` \| `(.+)` \|$", PAGE, re.M)
SESSION = re.search(r"^```pycon\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModuleType]:
    """The page's files as modules of the product's packages, by file."""
    folder = tmp_path_factory.mktemp("parcels")
    for file, text in FILES.items():
        path = folder / file
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        package = importlib.import_module(".".join(Path(file).parent.parts))
        package.__path__ = [*package.__path__, str(path.parent)]
    return {file: importlib.import_module(".".join(Path(file).with_suffix("").parts)) for file in FILES}


@pytest.fixture
def names(modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch) -> list[APIRouter]:
    """The page's names where it wants them; the routers are given to the app instead."""
    view = modules["projectors/views/parcels.py"].Parcels()
    for _, file, what in NAMES:
        if file == "projectors/ledger/__init__.py":
            assert what == "Parcels()"
            monkeypatch.setitem(VIEWS, view.name, view)
        elif file == "functions/http/problems.py":
            for code, status in ast.literal_eval(f"{{{what}}}").items():
                monkeypatch.setitem(problems.STATUS, code, status)
    endpoints = modules["functions/parcels.py"]
    return [getattr(endpoints, what.removeprefix("parcels.")) for _, _, what in NAMES if what.startswith("parcels.")]


@pytest.fixture
def api(client: CosmosClient, database: str, names: list[APIRouter]) -> Iterator[httpx.Client]:
    """An app with the page's routers, and a worker on its view."""
    services = build_services(SERVICE, load(Settings, auth="none", max_wait_ms=10_000), client, database)
    app = create("Parcels", "Where is it?", services, names)
    worker = Worker(
        client, database, views=[VIEWS["parcels"]], settings=WorkerSettings(parallel=0, refresh=0.05, idle_max=0.02)
    )
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        with httpx.Client(
            transport=AsgiThread(app), base_url="http://localhost", params={"wait_ms": 10_000}
        ) as http_client:
            yield http_client
    finally:
        stop.set()
        thread.join()


def replay_session(api: httpx.Client) -> doctest.TestResults:
    assert SESSION is not None
    test = doctest.DocTestParser().get_doctest(SESSION[1], {"api": api}, "your-own-domain.md", None, 0)
    return doctest.DocTestRunner().run(test)


def test_the_session_on_the_page_goes_as_the_page_says(api: httpx.Client) -> None:
    results = replay_session(api)
    assert results.attempted >= 8
    assert results.failed == 0


def test_the_view_can_be_rebuilt_and_the_history_read_without_another_line(
    api: httpx.Client, client: CosmosClient, database: str
) -> None:
    assert replay_session(api).failed == 0
    assert rebuild(client, database, VIEWS["parcels"], settings=WorkerSettings(parallel=0)).generation == 2
    assert api.get("/parcels/p1").json()["parcel"] == {"destination": "bern", "scans": 2, "place": "bern"}
    history = History(client.get_database_client(database).get_container_client("events"))
    recorded = [event.type for event in history.stream("parcel-p1")]
    assert recorded == ["parcel.handed-in", "parcel.scanned", "parcel.scanned"]
    assert [outcome.refusal.code for outcome in history.outcomes("parcel-p1") if outcome.refusal] == ["PARCEL_ARRIVED"]
