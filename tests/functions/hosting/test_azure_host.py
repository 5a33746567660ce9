"""What is registered with the Functions host, and what is made with the first request: once, and again only after it
failed. Each trap that the host and its worker set has a test here, in test_function_app.py or in test_problems.py."""

import asyncio
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from eventstore.cosmos.containers import CONTAINERS, EVENTS
from eventstore.environment import load
from eventstore.personal import FileKey
from functions.hosting.azure import MadeOnce, register
from functions.http.dependencies import Dependencies
from functions.queries.app import create_queries
from functions.settings import Settings
from infra.package.build import HERE, ROOMS, ROOT
from service import SERVICE


class Maker:
    """Fails so many times, then makes; each attempt ends when it is let go."""

    def __init__(self, failures: int) -> None:
        self.attempts = 0
        self.let_go = threading.Event()
        self._failures = failures

    def __call__(self) -> Any:
        self.attempts += 1
        self.let_go.wait(10)
        if self.attempts <= self._failures:
            raise ConnectionError("away")
        return "made"


async def crowd(once: MadeOnce, maker: Maker, size: int = 20) -> list[Any]:
    """What so many requests get that come while an attempt is under way."""
    asking = [asyncio.create_task(once.get()) for _ in range(size)]
    await asyncio.sleep(0)  # the loop is not held up by an attempt, or this would not come back
    maker.let_go.set()
    return await asyncio.gather(*asking, return_exceptions=True)


async def test_first_requests_that_come_together_make_the_app_once() -> None:
    maker = Maker(failures=0)
    once = MadeOnce(maker)
    assert await crowd(once, maker) == ["made"] * 20
    assert await once.get() == "made"
    assert maker.attempts == 1


async def test_an_attempt_that_failed_fails_for_all_who_waited_and_the_next_request_tries_again() -> None:
    maker = Maker(failures=1)
    once = MadeOnce(maker)
    assert {type(answer) for answer in await crowd(once, maker)} == {ConnectionError}
    assert maker.attempts == 1
    assert await once.get() == "made"


async def test_a_request_that_is_given_up_does_not_end_the_attempt_for_others() -> None:
    maker = Maker(failures=0)
    once = MadeOnce(maker)
    impatient, patient = asyncio.create_task(once.get()), asyncio.create_task(once.get())
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    maker.let_go.set()
    assert await patient == "made"


def bindings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    """What each function tells the host, by name, in the role that registers all of them."""
    master = tmp_path / "master.key"
    FileKey.read_or_make(master)
    monkeypatch.setenv("TIDEMARK_MASTER_KEY_ID", str(master))
    monkeypatch.setattr("functions.hosting.azure.configure_logs", lambda _level: None)  # the process is pytest's
    app = func.FunctionApp()
    register(app, SERVICE, load(Settings, auth_issuer="i", auth_audience="a", auth_jwks_url="http://127.0.0.1:9/keys"))
    return {
        each.get_function_name(): [binding.get_dict_repr() for binding in each.get_bindings()]
        for each in app.get_functions()
    }


def test_the_trigger_watches_the_log_and_creates_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a managed identity the host may not create its lease container; it has one to itself."""
    (trigger,) = bindings(monkeypatch, tmp_path)["wake"]
    assert (trigger["type"], trigger["containerName"]) == ("cosmosDBTrigger", EVENTS.name)
    assert trigger["createLeaseContainerIfNotExists"] is False
    assert trigger["leaseContainerName"] not in {container.name for container in CONTAINERS}
    assert trigger["connection"] == "COSMOS_TRIGGER"  # a name, whose COSMOS_TRIGGER__… the host reads


def test_timers_come_each_minute_and_not_whenever_an_instance_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = bindings(monkeypatch, tmp_path)
    for name, schedule in {"tick": "0 * * * * *", "upkeep": "30 * * * * *"}.items():
        (timer,) = found[name]
        assert (timer["schedule"], timer["runOnStartup"]) == (schedule, False)


def test_every_method_and_path_reaches_the_app_which_authenticates_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trigger, answer = bindings(monkeypatch, tmp_path)["http"]
    assert (trigger["route"], str(trigger["authLevel"])) == ("{*path}", "ANONYMOUS")
    assert set(map(str, trigger["methods"])) == {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert answer["name"] == "$return"


@pytest.mark.parametrize("path", ["/accounts/alice", "/health/live", "/nowhere", "/audit", "/audit/assets/audit.js"])
async def test_the_worker_s_own_middleware_takes_every_answer_head_included(services: Dependencies, path: str) -> None:
    """It wants a `body` in every message of a body, and answers of one piece."""
    middleware = func.AsgiMiddleware(create_queries(SERVICE, services))  # type: ignore[no-untyped-call]
    for method in ("GET", "HEAD"):
        request = func.HttpRequest(method=method, url=f"https://host{path}", body=b"")
        answer = await middleware.handle_async(request, None)
        assert answer.status_code in (200, 401, 404)  # nobody is on loopback here
        assert bool(answer.get_body()) is (method == "GET")


def test_what_is_not_deployed_is_kept_out_by_the_ignore_file_too() -> None:
    """`func azure functionapp publish` goes by it; the zip that `make package` builds holds what it names alone."""
    ignored = set((HERE / ".funcignore").read_text().split())
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert folders - set(ROOMS) <= ignored
    assert {"local.settings.json*", ".git*", ".venv*"} <= ignored


def test_the_dockerfile_is_as_its_linter_wants_it() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        # Nobody needs it to run or deploy Tidemark, and there is no wheel of it for other machines.
        pytest.skip("hadolint comes as a package for Linux on x86-64 only")
    done = subprocess.run([str(hadolint), str(HERE / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_container_holds_the_rooms_that_run_and_the_command() -> None:
    copied = re.findall(r"^COPY (\w+) \./", (HERE / "Dockerfile").read_text(), re.MULTILINE)
    assert copied == [*ROOMS, "cli", "tidemark"]
