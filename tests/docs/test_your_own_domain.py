"""docs/your-own-domain.md, done as it says: its files are written, its names registered, its session replayed."""

import ast
import doctest
import importlib
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from azure.cosmos import CosmosClient

from eventstore.history import History
from functions import problems
from functions.app import create
from functions.settings import Settings, load
from functions.wiring import build_services
from projectors.settings import WorkerSettings
from projectors.views import VIEWS
from projectors.worker import Worker
from replay.rebuild import rebuild
from tests.functions.transport import AsgiThread

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "your-own-domain.md").read_text(encoding="utf-8")
FILES = {
    block.splitlines()[0].removeprefix("# "): block for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
}
NAMES = re.findall(r"^\| (?:`(\w+)`|the routers) of `([\w/.]+)` \| `(.+)` \|$", PAGE, re.M)
SESSION = re.search(r"^```pycon\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ModuleType]]:
    """The page's files as modules of the product's packages."""
    folder = tmp_path_factory.mktemp("parcels")
    with pytest.MonkeyPatch.context() as patch:
        modules = {}
        for file, text in FILES.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            package, name = ".".join(path.relative_to(folder).parent.parts), path.stem
            places = importlib.import_module(package).__path__
            if str(path.parent) not in places:
                patch.setattr(importlib.import_module(package), "__path__", [*places, str(path.parent)])
            modules[name if package != "projectors.views" else "view"] = importlib.import_module(f"{package}.{name}")
        yield modules
    for module in modules.values():
        del sys.modules[module.__name__]


@pytest.fixture
def names(modules: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch) -> list[ModuleType]:
    """The page's names where it wants them; the routers are given to the app instead."""
    view = modules["view"].Parcels()
    for _, file, what in NAMES:
        if file == "projectors/views/__init__.py":
            assert what == "Parcels()"
            monkeypatch.setitem(VIEWS, view.name, view)
        elif file == "functions/problems.py":
            for code, status in ast.literal_eval(f"{{{what}}}").items():
                monkeypatch.setitem(problems.STATUS, code, status)
    return [getattr(modules["parcels"], what.split(".")[1]) for _, _, what in NAMES if what.startswith("parcels.")]


@pytest.fixture
def api(client: CosmosClient, database: str, names: list[ModuleType]) -> Iterator[httpx.Client]:
    """An app with the page's routers, and a worker on its view."""
    services = build_services(load(Settings, auth="none", max_wait_ms=10_000), client, database)
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
    assert rebuild(client, database, "parcels", settings=WorkerSettings(parallel=0)).generation == 2
    assert api.get("/parcels/p1").json()["parcel"] == {"destination": "bern", "scans": 2, "place": "bern"}
    history = History(client.get_database_client(database).get_container_client("events"))
    recorded = [event.type for event in history.stream("parcel-p1")]
    assert recorded == ["parcel.handed-in", "parcel.scanned", "parcel.scanned"]
    assert [outcome.refusal.code for outcome in history.outcomes("parcel-p1") if outcome.refusal] == ["PARCEL_ARRIVED"]


def test_it_takes_under_sixty_lines_in_three_places() -> None:
    lines = [line for text in FILES.values() for line in text.splitlines()[1:] if line.strip()]
    assert len(lines) < 60
    assert list(FILES) == ["domain/parcel.py", "projectors/views/parcels.py", "functions/parcels.py"]


def test_every_name_goes_where_there_is_such_a_place() -> None:
    assert len(NAMES) == 4
    for constant, file, _ in NAMES:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^{constant}: " if constant else r"\.router[,\]]", text, re.M), file


def test_nothing_knows_the_ledger_but_what_the_page_names() -> None:
    section = PAGE.split("\n## Taking the ledger out\n")[1]
    named = re.findall(r"`((?:domain|projectors|functions|replay)/[\w/.]*)`", section)
    assert all((ROOT / path).exists() for path in named)
    strays = [file for file in sorted(_knowing_the_ledger()) if not file.startswith(tuple(named))]
    assert strays == []


def _knowing_the_ledger() -> Iterator[str]:
    """Files of the product that import modules of the domain which the page does not keep, or what builds on them."""
    kept = ("domain.aggregate", "domain.errors", "domain.state", "domain.parcel")
    for room in ("domain", "eventstore", "projectors", "replay", "functions"):
        for path in (ROOT / room).rglob("*.py"):
            modules = {
                node.module
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.ImportFrom) and node.module
            }
            if any(m.startswith(("domain", "projectors.processes")) and m not in kept for m in modules):
                yield str(path.relative_to(ROOT))
