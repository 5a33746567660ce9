"""`tidemark-eventstore` and `tidemark-local` as their users have them: installed, in an otherwise empty folder."""

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.cosmos import CosmosClient

from infra.distributions import DISTRIBUTIONS, ROOT
from localazure.cosmos import LocalCosmos, RunningServer, serve
from tests.distributions.environment import TIMEOUT, Environment

EVERY_MODULE = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
found = pkgutil.walk_packages(package.__path__, sys.argv[1] + ".")
names = [each.name for each in found if not each.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
ONE_MODULE = "import sys, importlib; importlib.import_module(sys.argv[1])"


def programs(distribution: str) -> list[str]:
    """The Python programs of a distribution's README, in their order."""
    page = (ROOT / DISTRIBUTIONS[distribution][0] / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


@pytest.fixture
def server(cosmos: LocalCosmos) -> Iterator[RunningServer]:
    with serve(cosmos) as running:
        yield running


@pytest.mark.parametrize("package", ["eventstore", "localazure"])
def test_every_module_finds_what_it_needs(package: str, libraries: Environment, tmp_path: Path) -> None:
    done = libraries.run("python", "-c", EVERY_MODULE, package, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 25


@pytest.mark.parametrize("name", ["domain", "functions", "projectors", "replay", "audit", "cli", "devkit", "tidemark"])
def test_nothing_of_the_service_is_there(name: str, libraries: Environment, tmp_path: Path) -> None:
    done = libraries.run("python", "-c", ONE_MODULE, name, cwd=tmp_path)
    assert f"No module named '{name}'" in done.stderr


def test_the_programs_of_the_event_stores_readme_do_what_it_says(
    libraries: Environment, server: RunningServer, tmp_path: Path
) -> None:
    printed = []
    for name, text in zip(("school", "once", "purse"), programs("tidemark-eventstore"), strict=True):
        (tmp_path / f"{name}.py").write_text(text)
        variables = {"PERSISTENCE_MODULE": "eventstore", "COSMOS_ENDPOINT": server.endpoint}
        done = libraries.run("python", f"{name}.py", cwd=tmp_path, **variables)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout.splitlines())
    assert printed == [
        ["['roll over']"],
        ["that has happened before"],
        ["there is only 500 False", "there is only 500 True"],
    ]


def test_the_tests_of_the_local_servers_readme_pass_without_a_conftest(libraries: Environment, tmp_path: Path) -> None:
    (tmp_path / "test_orders.py").write_text(programs("tidemark-local")[0])
    done = libraries.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^6 passed", done.stdout, re.MULTILINE)


def test_the_other_programs_of_the_local_servers_readme_do_what_it_says(libraries: Environment, tmp_path: Path) -> None:
    _, conftest, program = programs("tidemark-local")
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_fixtures.py").write_text(SET_UP)
    done = libraries.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = libraries.run("python", "-c", program, cwd=tmp_path)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/ C2y6\S+==\n", done.stdout), done.stderr


SET_UP = """
import asyncio

import pytest
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncClient
from azure.eventhub import EventHubProducerClient
from azure.eventhub.exceptions import EventHubError


def test_the_partitions_are_those_of_the_conftest(cosmos_client):
    database = cosmos_client.create_database("shop")
    assert len(list(database.create_container("orders", PartitionKey("/customer")).read_feed_ranges())) == 4


def test_the_hubs_are_those_of_the_conftest(eventhubs_namespace):
    def producer(hub):
        address = eventhubs_namespace.connection_string(hub)
        return EventHubProducerClient.from_connection_string(address, retry_total=0)

    with producer("orders") as known:
        assert known.get_partition_ids() == ["0", "1"]
    with producer("payments") as unknown, pytest.raises(EventHubError):
        unknown.get_partition_ids()


def test_the_account_is_served_over_http(cosmos_client, cosmos_server):
    cosmos_client.create_database("shop")
    client = CosmosClient.from_connection_string(cosmos_server.connection_string)
    assert [database["id"] for database in client.list_databases()] == ["shop"]


@pytest.mark.parametrize("round", [1, 2])
def test_what_is_the_sessions_stays(round, session_cosmos_client, session_cosmos_server, session_eventhubs_namespace):
    if round == 1:
        session_cosmos_client.create_database("shop")
    assert [database["id"] for database in session_cosmos_client.list_databases()] == ["shop"]
    assert session_cosmos_server.port > 0
    assert session_eventhubs_namespace.events("orders") == []
"""


def test_the_command_serves_a_cosmos_db_until_it_is_told_to_stop(libraries: Environment, tmp_path: Path) -> None:
    command = [libraries.command("localazure"), "cosmos", "--port", "0", "--data", "data"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=libraries.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = re.fullmatch(r"Cosmos DB +(http://localhost:\d+/) +data in data/\n", process.stdout.readline())
        assert said is not None
        CosmosClient(said[1], LocalCosmos().key).create_database("shop")
        busy = libraries.run("localazure", "eventhubs", "--port", "0", "--data", "data", cwd=tmp_path)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == 0
    finally:
        process.kill()
        process.communicate()
    assert (busy.returncode, busy.stdout) == (1, "")
    assert busy.stderr == "localazure: data is in use by another process: stop that one, or give --data\n"


def test_a_wrong_argument_is_told_in_one_line(libraries: Environment, tmp_path: Path) -> None:
    wrong = libraries.run("localazure", "eventhubs", "--port", "0", "--hub", "orders", cwd=tmp_path)
    assert wrong.returncode == 1
    assert wrong.stderr == "localazure: --hub orders: expected NAME:PARTITIONS, such as orders:4\n"
