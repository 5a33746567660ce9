"""The account over HTTP: signatures, the control endpoint, resets, and any client."""

import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
from azure.core.exceptions import AzureError
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey
from azure.cosmos.aio import CosmosClient as AsyncCosmosClient
from azure.cosmos.exceptions import CosmosHttpResponseError

from localazure.cosmos import EMULATOR_KEY, LocalCosmos, RunningServer, serve

JAVASCRIPT = Path(__file__).with_name("client.js")


@pytest.fixture
def server(cosmos: LocalCosmos) -> Iterator[RunningServer]:
    with serve(cosmos) as running:
        yield running


@pytest.fixture
def remote(server: RunningServer) -> ContainerProxy:
    database = CosmosClient(server.endpoint, EMULATOR_KEY).create_database("db")
    return database.create_container("c", PartitionKey(path="/pk"))


def test_one_account_is_the_same_in_process_and_over_http(cosmos: LocalCosmos, remote: ContainerProxy) -> None:
    remote.create_item({"id": "ü", "pk": "é/漢 x"})
    inside = cosmos.client().get_database_client("db").get_container_client("c")
    assert inside.read_item("ü", "é/漢 x")["pk"] == "é/漢 x"


async def test_the_asynchronous_sdk_is_served_too(server: RunningServer) -> None:
    async with AsyncCosmosClient(server.endpoint, EMULATOR_KEY) as client:
        database = await client.create_database("async")
        container = await database.create_container("c", PartitionKey(path="/pk"))
        await container.create_item({"id": "1", "pk": "p"})
        found = [item["id"] async for item in container.query_items("SELECT * FROM c", partition_key="p")]
        changes = [item["id"] async for item in container.query_items_change_feed(start_time="Beginning")]
    assert found == changes == ["1"]


def test_a_wrong_key_is_refused(server: RunningServer) -> None:
    with pytest.raises(CosmosHttpResponseError) as refusal:
        CosmosClient(server.endpoint, "d3Jvbmc=")
    assert refusal.value.status_code == 401


def test_a_request_without_a_signature_is_refused(server: RunningServer) -> None:
    assert httpx.get(server.endpoint).status_code == 401


def test_small_requests_do_not_wait_for_delayed_acknowledgements(remote: ContainerProxy) -> None:
    times = []
    for number in range(20):
        started = time.perf_counter()
        remote.create_item({"id": str(number), "pk": "p"})
        times.append(time.perf_counter() - started)
    assert min(times) < 0.04


def test_the_control_endpoint_sets_faults_and_shows_the_log(server: RunningServer, remote: ContainerProxy) -> None:
    control = f"{server.endpoint}_control/"
    added = httpx.post(f"{control}faults", json={"status": 408, "operation": "create", "count": 1})
    assert added.json()["status"] == 408
    with pytest.raises(CosmosHttpResponseError):
        remote.create_item({"id": "1", "pk": "p"})
    assert httpx.get(f"{control}faults").json()[0]["fired"] == 1
    assert [entry["status"] for entry in httpx.get(f"{control}log").json() if entry["operation"] == "create"] == [408]
    assert httpx.delete(f"{control}faults").status_code == 204
    assert httpx.get(f"{control}faults").json() == []
    split = httpx.post(f"{control}split", json={"database": "db", "container": "c"})
    assert split.json() == {"ranges": ["1", "2"]}


@pytest.mark.parametrize(
    ("name", "body"), [("faults", {"status": 1}), ("faults", {"no": 1}), ("split", {}), ("nothing", {})]
)
def test_a_wrong_control_is_refused_with_a_reason(server: RunningServer, name: str, body: dict[str, object]) -> None:
    answer = httpx.post(f"{server.endpoint}_control/{name}", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["message"]


def test_a_lost_answer_is_a_reset_connection(cosmos: LocalCosmos, remote: ContainerProxy) -> None:
    cosmos.faults.add(lose_answer=True, operation="create", count=1)
    with pytest.raises(AzureError):
        remote.create_item({"id": "1", "pk": "p"})
    assert remote.read_item("1", "p")["id"] == "1"


def test_a_client_s_own_time_out_ends_a_withheld_answer(cosmos: LocalCosmos, remote: ContainerProxy) -> None:
    cosmos.faults.add(lose_answer=True, timeout=True, operation="create", count=1)
    with pytest.raises(AzureError):
        remote.create_item({"id": "1", "pk": "p"}, read_timeout=0.2)
    assert remote.read_item("1", "p")["id"] == "1"


def test_an_unknown_path_is_answered_not_dropped(server: RunningServer) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/nothing/here")
    assert connection.getresponse().status == 404


def test_the_server_is_up_in_under_a_second() -> None:
    program = (
        "from localazure.cosmos import LocalCosmos, serve; import time\n"
        "started = time.perf_counter(); server = serve(LocalCosmos()); print(time.perf_counter() - started)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert float(done.stdout) < 1.0
