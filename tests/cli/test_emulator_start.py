"""An emulator answers within a second: it loads its own server, and neither the service nor an SDK."""

import http.client
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

CODE = """
import atexit, sys, tidemark
atexit.register(lambda: print("loaded:", *sorted(sys.modules)))
tidemark.main()
"""
STARTED_WITHIN = 30.0


def first_answer(port: int, process: subprocess.Popen[str]) -> int:
    """The status of `GET /` once the process serves."""
    deadline = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=STARTED_WITHIN)
        with suppress(ConnectionRefusedError):
            connection.request("GET", "/")
            return connection.getresponse().status
        time.sleep(0.02)
    raise AssertionError(f"no answer on port {port}; exit status {process.poll()}")


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The modules of a Cosmos DB emulator that has answered a request."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", CODE, "emulator", "cosmos", "--memory", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert first_answer(port, process) == 401
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=STARTED_WITHIN)
    finally:
        process.kill()
    return set(output.partition("loaded:")[2].split())


def test_the_cosmos_emulator_loads_its_own_server(loaded: set[str]) -> None:
    assert {"localazure.cosmos.service", "uvicorn"} <= loaded


@pytest.mark.parametrize("name", ["azure", "requests", "aiohttp", "fastapi", "starlette", "eventsourcing"])
def test_the_cosmos_emulator_loads_no_sdk_and_no_framework(loaded: set[str], name: str) -> None:
    assert [module for module in loaded if module.partition(".")[0] == name] == []


def test_the_cosmos_emulator_loads_nothing_of_the_service(loaded: set[str]) -> None:
    service = {"domain", "eventstore", "projectors", "replay", "audit", "functions", "devkit"}
    assert {module for module in loaded if module.partition(".")[0] in service} == set()
    assert [module for module in loaded if module.startswith("localazure.eventhubs")] == []
