"""Commands and queries per second over HTTP, beside a route of the same framework that does nothing, the same command
without HTTP, and the bare call of the SDK that it ends in; then the deployed zip: its size, and each role's start.

    python -m bench.http [--seconds 5] [--clients 8]

Server and clients are two processes on this machine; the database is the local server inside the first, in memory.
Rates are answers per second over all clients, times are milliseconds at one client, CPU is the server's per answer at
one client, in microseconds, the local database's included.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.ledger.account import Account
from eventstore.commands.store import Command
from eventstore.cosmos.client import connect
from eventstore.cosmos.containers import create_containers
from eventstore.cosmos.settings import CosmosSettings
from eventstore.environment import load
from functions.composition import build_consumers, build_services
from functions.hosting import local
from functions.hosting.ports import listen
from functions.hosting.server import run_app
from functions.http.dependencies import Dependencies
from functions.ledger.commands.responses import account_facts
from functions.settings import Settings
from infra.package import __main__ as up_package
from localazure.cosmos import LocalCosmos
from projectors.ledger import VIEWS
from service import SERVICE

ACCOUNTS = 200
Call = Callable[[HTTPConnection, int], None]


def services(cosmos: LocalCosmos) -> Dependencies:
    client = connect(CosmosSettings(endpoint=cosmos.endpoint, key=cosmos.key), transport=cosmos.transport())
    create_containers(client, "tidemark", VIEWS.indexed)
    built = build_services(SERVICE, load(Settings, auth="none"), client, "tidemark")
    for number in range(ACCOUNTS):
        execute(built, f"a{number}", "open", partial(opened, number))
    build_consumers(SERVICE, client, "tidemark", store=built.store).worker.run_until_idle(30)
    return built


def opened(number: int, _: Account | None) -> Account:
    return Account.open(f"a{number}", asset="EUR/2", owner="bench", at=datetime.now(UTC))


def execute(built: Dependencies, account: str, key: str, decide: Callable[[Account | None], Account]) -> None:
    metadata = {"actor": "bench", "recorded_at": datetime.now(UTC).isoformat()}
    built.store.execute(f"account-{account}", Command(key, "f", metadata), decide, answer=account_facts)


class WithNothing:
    """Beside the real apps, GET /nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._nothing = FastAPI(openapi_url=None)
        self._nothing.get("/nothing")(nothing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._nothing if scope.get("path") == "/nothing" else self._app)(scope, receive, send)


def nothing() -> dict[str, str]:
    return {}


def serve(pipe: Connection) -> None:
    with LocalCosmos() as cosmos, listen("127.0.0.1", 0, "the API", "--port or TIDEMARK_PORT") as listener:
        app = WithNothing(local.create_app(SERVICE, services(cosmos)))
        pipe.send(listener.getsockname()[1])
        threading.Thread(target=tell_cpu, args=(pipe,), daemon=True).start()
        run_app(app, listener)


def tell_cpu(pipe: Connection) -> None:
    """Answers each message with the processor seconds that this process has used."""
    while True:
        pipe.recv()
        pipe.send(time.process_time())


def cpu(pipe: Connection) -> float:
    pipe.send(None)
    seconds: float = pipe.recv()
    return seconds


def get(path: str) -> Call:
    def call(connection: HTTPConnection, number: int) -> None:
        connection.request("GET", path.format(account=f"a{number % ACCOUNTS}"))
        answer(connection, 200)

    return call


def deposit(connection: HTTPConnection, number: int) -> None:
    headers = {"Idempotency-Key": f"deposit-{number}", "Content-Type": "application/json"}
    connection.request("POST", f"/accounts/a{number % ACCOUNTS}/deposits", json.dumps({"amount": 5}), headers)
    answer(connection, 201)


def answer(connection: HTTPConnection, status: int) -> None:
    found = connection.getresponse()
    body = found.read()
    if found.status != status:
        raise RuntimeError(f"{found.status} {body[:200]!r}")


def rate(
    port: int, call: Call, *, clients: int, seconds: float, numbers: itertools.count[int]
) -> tuple[float, list[float]]:
    """Answers per second, and the time of each in seconds."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    def work() -> None:
        connection = HTTPConnection("127.0.0.1", port)
        while time.perf_counter() < end:
            started = time.perf_counter()
            call(connection, next(numbers))
            times.append(time.perf_counter() - started)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(times) / seconds, times


def bare_command(cosmos: LocalCosmos) -> Callable[[int], None]:
    """The command itself, without HTTP."""
    built = services(cosmos)
    return lambda number: execute(built, f"a{number % ACCOUNTS}", f"k{number}", deposited)


def bare_call(cosmos: LocalCosmos) -> Callable[[int], None]:
    """What a deposit ends in: one event document created by the SDK."""
    built = services(cosmos)
    execute(built, "a0", "k", deposited)
    (*_, document) = built.history.documents("account-a0")
    events = cosmos.client(no_response_on_write=True).get_database_client("tidemark").get_container_client("events")
    kept = {name: value for name, value in document.items() if not name.startswith("_")}

    def create(number: int) -> None:
        events.create_item(kept | {"streamId": f"a{number}", "commandId": f"k{number}"})

    return create


def deposited(account: Account | None) -> Account:
    if account is None:
        raise LookupError("the account was opened")
    account.deposit(5, at=datetime.now(UTC))
    return account


def alone(call: Callable[[int], None], seconds: float) -> tuple[float, list[float], float]:
    """Calls per second in one thread, the time of each in seconds, processor seconds per call."""
    times: list[float] = []
    used, end = time.process_time(), time.perf_counter() + seconds
    for number in itertools.count():
        started = time.perf_counter()
        call(number)
        times.append(time.perf_counter() - started)
        if time.perf_counter() > end:
            break
    return len(times) / seconds, times, (time.process_time() - used) / len(times)


def line(name: str, many: float, times: list[float], used: float) -> str:
    cuts = statistics.quantiles(times, n=100)
    return f"{name:<34}{many:>10,.0f}{1000 * cuts[49]:>10.2f}{1000 * cuts[98]:>10.2f}{1e6 * used:>10,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.http", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    server.start()
    port = ours.recv()
    numbers = itertools.count()
    print(f"{'':<34}{'per s':>10}{'p50 ms':>10}{'p99 ms':>10}{'CPU us':>10}")
    try:
        calls: dict[str, Call] = {
            "route that does nothing": get("/nothing"),
            "query, account": get("/accounts/{account}"),
            "query, account, strong": get("/accounts/{account}?consistency=strong"),
            "query, statement": get("/accounts/{account}/statement"),
            "command, deposit": deposit,
        }
        for name, call in calls.items():
            many, _ = rate(port, call, clients=options.clients, seconds=options.seconds, numbers=numbers)
            before = cpu(ours)
            _, times = rate(port, call, clients=1, seconds=options.seconds, numbers=numbers)
            print(line(name, many, times, (cpu(ours) - before) / len(times)))
    finally:
        server.terminate()
        server.join()
    for name, make in {"command, no HTTP, one thread": bare_command, "bare SDK call, one thread": bare_call}.items():
        with LocalCosmos() as cosmos:
            print(line(name, *alone(make(cosmos), options.seconds)))
    with tempfile.TemporaryDirectory() as folder:
        up_package.main([str(Path(folder) / "tidemark.zip")])


if __name__ == "__main__":
    main()
