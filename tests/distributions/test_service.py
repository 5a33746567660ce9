"""`tidemark-ledger` installed beside a project with a `domain` and `functions` of its own: neither sees the other."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.distributions.environment import TIMEOUT, Environment
from tests.distributions.test_wheels import BUILD, ROOMS

SHOP = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "shop"
version = "1"

[tool.setuptools]
packages = ["domain", "functions"]
"""
WHOSE = "import domain, functions; print(domain.WHOSE, functions.WHOSE)"
TRY = "import importlib, sys; importlib.import_module(sys.argv[1])"


@pytest.fixture(scope="module")
def shop(service: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project with packages of Tidemark's names, which is installed beside it, too."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "pyproject.toml").write_text(SHOP)
    for name in ("domain", "functions"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text('WHOSE = "the shop\'s"\n')
    subprocess.run([sys.executable, "-c", BUILD], cwd=folder, capture_output=True, check=True)
    service.install(*folder.glob("*.whl"))
    return folder


@pytest.fixture(scope="module")
def banner(service: Environment, shop: Path) -> Iterator[dict[str, str]]:
    """The addresses of `tidemark up --memory`, started in the project's folder, with that folder on PYTHONPATH."""
    ports = ["--port", "0", "--cosmos-port", "0", "--eventhubs-port", "0"]
    process = subprocess.Popen(
        [service.command("tidemark"), "up", "--memory", *ports],
        cwd=shop,
        env=service.variables(PYTHONUNBUFFERED="1", PYTHONPATH=str(shop)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Try"):
                break
        found = dict(re.findall(r"^(API|Cosmos DB) +(http://localhost:\d+)", said, re.MULTILINE))
        assert set(found) == {"API", "Cosmos DB"}, said
        yield found
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", sorted({*ROOMS, "function_app", "service"} - {"domain", "functions"}))
def test_no_room_is_on_the_path_of_other_programs(name: str, service: Environment, tmp_path: Path) -> None:
    done = service.run("python", "-c", TRY, name, cwd=tmp_path)
    assert f"No module named '{name}'" in done.stderr


def test_a_program_of_the_project_imports_its_own_packages(service: Environment, shop: Path, tmp_path: Path) -> None:
    for folder in (shop, tmp_path):
        assert service.run("python", "-c", WHOSE, cwd=folder).stdout == "the shop's the shop's\n"


def test_the_whole_service_runs_beside_them(banner: dict[str, str]) -> None:
    with httpx.Client(base_url=banner["API"], timeout=TIMEOUT) as api:
        opened = api.post(
            "/accounts", headers={"Idempotency-Key": "open"}, json={"account_id": "alice", "asset": "EUR/2"}
        )
        paid = api.post("/accounts/alice/deposits", headers={"Idempotency-Key": "1"}, json={"amount": 500})
        assert (opened.status_code, paid.status_code) == (201, 201)
        position = paid.headers["Tidemark-Position"]
        assert api.get("/accounts/alice", headers={"Tidemark-Position": position}).json()["balance"] == 500
        page = api.get("/audit/streams/account-alice")
        assert page.status_code == 200
        (sheet,) = set(re.findall(r'href="([^"]+\.css[^"]*)"', page.text))
        assert api.get(sheet).headers["Content-Type"].startswith("text/css")


def test_processes_that_a_command_starts_find_the_rooms_too(
    banner: dict[str, str], service: Environment, shop: Path
) -> None:
    rebuild = ["replay", "rebuild", "account-summary", "--workers", "2"]
    done = service.run("tidemark", *rebuild, cwd=shop, COSMOS_ENDPOINT=banner["Cosmos DB"] + "/", PYTHONPATH=str(shop))
    assert done.returncode == 0, done.stderr
    assert "exit code" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [["tidemark"], ["python", "-m", "tidemark"]])
def test_the_command_answers_in_the_projects_folder(command: list[str], service: Environment, shop: Path) -> None:
    done = service.run(*command, "replay", "--help", cwd=shop)
    assert done.returncode == 0, done.stderr
    assert "rebuild" in done.stdout
