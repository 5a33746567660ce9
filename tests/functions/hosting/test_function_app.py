"""The deployed app under the code of the real Python worker: every role indexes, answers, and does its work.

Skipped where there is no Python that this worker runs on, or its packages cannot be had.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventstore.personal import FileKey
from infra.package.build import build
from infra.package.interpreter import NoInterpreter, environment
from infra.package.prove import EXPECTED, ROOT, contents, run
from localazure.cosmos import LocalCosmos, RunningServer, serve
from tests.functions.http.issuer import AUDIENCE, ISSUER, LocalIssuer

URL = "https://tidemark.azurewebsites.net"

# The first test on a machine installs the worker and Tidemark's dependencies into an environment that is then kept.
pytestmark = pytest.mark.timeout(480)


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return environment(ROOT / "build", ROOT / "requirements.lock")
    except NoInterpreter as reason:
        pytest.skip(str(reason))  # the worker runs on Python 3.13 alone, Tidemark from 3.11


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    zip_ = tmp_path_factory.mktemp("package") / "tidemark.zip"
    build(zip_)
    return zip_


@pytest.fixture
def folder(package: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path / "app")
    return tmp_path / "app"


@pytest.fixture
def server(cosmos: LocalCosmos, database: str) -> Iterator[RunningServer]:
    with serve(cosmos) as running:
        yield running


@pytest.fixture
def settings(server: RunningServer, database: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    master = tmp_path / "master.key"
    FileKey.read_or_make(master)
    with LocalIssuer() as issuer:
        yield {
            "TIDEMARK_AUTH_ISSUER": ISSUER,
            "TIDEMARK_AUTH_AUDIENCE": AUDIENCE,
            "TIDEMARK_AUTH_JWKS_URL": issuer.url,
            "TIDEMARK_MASTER_KEY_ID": str(master),
            "COSMOS_ENDPOINT": server.endpoint,
            "COSMOS_DATABASE": database,
            "TOKEN": issuer.token("Tidemark.Command", "Tidemark.Query"),
        }


def http(settings: dict[str, str], method: str, path: str, body: object = None, **headers: str) -> dict[str, Any]:
    text = "" if body is None else json.dumps(body)
    sent = {"authorization": f"Bearer {settings['TOKEN']}", "content-type": "application/json"} | headers
    return {"function": "http", "http": {"method": method, "url": URL + path, "headers": sent, "body": text}}


def test_the_package_holds_what_runs_and_nothing_else(package: Path) -> None:
    names = contents(package)
    rooms = {name.split("/")[0] for name in names if "/" in name}
    assert rooms == {"domain", "eventstore", "projectors", "replay", "audit", "functions"}


def test_two_builds_of_one_state_are_the_same_bytes(package: Path, tmp_path: Path) -> None:
    build(tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == package.read_bytes()


@pytest.mark.parametrize("role", EXPECTED)
def test_each_role_indexes_its_functions(python: Path, folder: Path, settings: dict[str, str], role: str) -> None:
    assert run(python, folder, [], settings | {"TIDEMARK_ROLE": role})["functions"] == EXPECTED[role]


def test_a_command_a_visit_of_the_projectors_and_a_query_make_the_whole_way(
    python: Path, folder: Path, settings: dict[str, str]
) -> None:
    body = {"account_id": "alice", "asset": "EUR/2"}
    command = http(settings, "POST", "/accounts", body, **{"idempotency-key": "1"})
    documents = json.dumps([{"id": "0000000001", "streamId": "account-alice"}])
    plan = [
        command,
        {"function": "wake", "json": documents},
        http(settings, "GET", "/accounts/alice"),
        http(settings, "GET", "/accounts/nobody?wait_ms=0"),
        http(settings, "DELETE", "/accounts/alice"),
        {"function": "tick", "json": json.dumps({"IsPastDue": False})},
        {"function": "upkeep", "json": json.dumps({"IsPastDue": False})},
        {"function": "verify", "json": json.dumps({"IsPastDue": False})},
    ]
    results = run(python, folder, plan, settings | {"TIDEMARK_ROLE": "all"})["results"]
    assert [result["ok"] for result in results] == [True] * len(plan), results
    opened, _, seen, missing, refused, *_ = results
    assert (opened["status"], opened["headers"]["location"]) == (201, "/accounts/alice")
    assert (seen["status"], json.loads(seen["body"])["status"]) == (200, "open")
    assert (missing["status"], missing["headers"]["content-type"]) == (404, "application/problem+json")
    assert json.loads(refused["body"])["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("role", "get", "post"),
    [("commands", "NOT_FOUND", "IDEMPOTENCY_KEY_MISSING"), ("queries", "ACCOUNT_NOT_FOUND", "NOT_FOUND")],
)
def test_an_http_role_answers_its_own_methods_only(
    python: Path, folder: Path, settings: dict[str, str], role: str, get: str, post: str
) -> None:
    body = {"account_id": "alice", "asset": "EUR/2"}
    plan = [http(settings, "GET", "/accounts/alice?wait_ms=0"), http(settings, "POST", "/accounts", body)]
    results = run(python, folder, plan, settings | {"TIDEMARK_ROLE": role})["results"]
    assert [json.loads(result["body"])["code"] for result in results] == [get, post]


def test_without_authentication_a_function_app_serves_nobody(
    python: Path, folder: Path, settings: dict[str, str]
) -> None:
    plan = [http(settings, "GET", "/accounts/alice")]
    open_app = settings | {"TIDEMARK_ROLE": "queries", "TIDEMARK_AUTH": "none"}
    assert run(python, folder, plan, open_app)["results"][0]["status"] == 401


def test_an_app_that_lacks_a_setting_says_which(python: Path, folder: Path, settings: dict[str, str]) -> None:
    incomplete = {name: value for name, value in settings.items() if name != "TIDEMARK_AUTH_AUDIENCE"}
    result = run(python, folder, [], incomplete | {"TIDEMARK_ROLE": "commands"})
    assert "TIDEMARK_AUTH_AUDIENCE must be set" in result["error"]


def test_the_host_file_keeps_paths_as_they_are_and_has_the_bundle_that_knows_the_trigger(folder: Path) -> None:
    host = json.loads((folder / "host.json").read_text())
    assert host["extensions"]["http"]["routePrefix"] == ""
    assert host["extensionBundle"]["version"] == "[4.*, 5.0.0)"


def test_while_the_database_cannot_be_reached_requests_are_answered_as_problems(
    python: Path, folder: Path, settings: dict[str, str]
) -> None:
    away = settings | {"TIDEMARK_ROLE": "queries", "COSMOS_ENDPOINT": "http://127.0.0.1:9/"}
    (answer,) = run(python, folder, [http(settings, "GET", "/accounts/alice")], away)["results"]
    assert (answer["status"], answer["headers"]["retry-after"]) == (503, "1")
    assert json.loads(answer["body"])["code"] == "STORE_UNAVAILABLE"


def test_an_app_with_a_wrong_address_of_its_database_does_not_start(
    python: Path, folder: Path, settings: dict[str, str]
) -> None:
    for role in EXPECTED:
        result = run(python, folder, [], settings | {"TIDEMARK_ROLE": role, "COSMOS_ENDPOINT": "nowhere"})
        assert "COSMOS_ENDPOINT must be" in result["error"]
