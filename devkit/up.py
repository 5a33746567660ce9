"""`tidemark up`: the whole service in one process, on nothing but this machine.

The local Cosmos DB keeps everything in one SQLite file. The API and the consumers reach it in process, through the real
SDK with another transport; other tools, such as `tidemark replay`, reach the same account over HTTP.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from azure.cosmos import CosmosClient

from devkit.report import CommandReport
from eventstore.cosmos.client import connect
from eventstore.cosmos.containers import create_containers, index_views
from eventstore.cosmos.settings import CosmosSettings
from eventstore.environment import load
from eventstore.errors import MasterKeyUnusable
from eventstore.personal import FileKey, MemoryKey
from functions.composition import Consumers, build_audit, build_consumers, build_services
from functions.hosting import local
from functions.hosting.ports import listen
from functions.hosting.server import run_app
from functions.settings import Settings
from localazure.cosmos import LocalCosmos, serve
from localazure.cosmos.transport import InProcessTransport
from localazure.data_folder import data_folder
from localazure.errors import DataFolderError
from localazure.eventhubs import LocalEventHubs, RunningServer
from localazure.eventhubs import serve as serve_hubs
from projectors.relay import EventHubsSettings
from projectors.settings import WorkerSettings
from service import SERVICE

__all__ = ["UpOptions", "up"]

_HOST = "127.0.0.1"
_HUB = "ledger-events"
_HUB_PARTITIONS = 4
_MASTER_KEY = "master.key"
_LEASE_SECONDS = 5.0  # after a kill the next start waits so long for the leases of the last one
_LINGER_SECONDS = 0.5
"""API and consumers share one interpreter here: under load the commands come first."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """Ports 0 take any that is free; `data` None keeps everything in memory."""

    port: int
    cosmos_port: int
    eventhubs_port: int
    data: Path | None


def up(options: UpOptions, echo: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        CannotStart, CannotServe: a port is in use, or the data folder cannot be used. Nothing has been started then.
        SettingsError: an environment variable is wrong.
    """
    settings = load(Settings, auth="none")
    database = CosmosSettings.load().database
    with ExitStack() as stack:
        api = stack.enter_context(listen(_HOST, options.port, "the API", "--port or TIDEMARK_PORT"))
        listen(_HOST, options.cosmos_port, "Cosmos DB", "--cosmos-port or TIDEMARK_COSMOS_PORT").close()
        listen(_HOST, options.eventhubs_port, "Event Hubs", "--eventhubs-port or TIDEMARK_EVENTHUBS_PORT").close()
        folder = stack.enter_context(data_folder(options.data)) if options.data else None
        cosmos = stack.enter_context(LocalCosmos(folder))
        server = stack.enter_context(serve(cosmos, _HOST, options.cosmos_port))
        hubs = stack.enter_context(_hubs(folder, options.eventhubs_port))
        client = _client(cosmos, cosmos.transport())
        create_containers(client, database, SERVICE.views.indexed)
        index_views(client, database, SERVICE.views.indexed)  # the data may be older than a view's index
        report = stack.enter_context(closing(CommandReport(SERVICE, echo)))
        services = build_services(
            SERVICE, settings, client, database, on_outcome=report.outcome, master=_master_key(folder)
        )
        audit = build_audit(SERVICE, settings, client, database, services.personal)
        consumers = build_consumers(
            SERVICE,
            _client(cosmos, cosmos.transport()),
            database,
            store=services.store,
            hub=EventHubsSettings(connection_string=hubs.connection_string(), hub=_HUB),
            settings=WorkerSettings(lease=_LEASE_SECONDS, linger=_LINGER_SECONDS),
        )
        report.follow(services.views, consumers.worker.wake)
        stack.enter_context(_working(consumers))
        echo(_banner(options, api, server.port, hubs.port))
        run_app(local.create_app(SERVICE, services, audit), api)


def _client(cosmos: LocalCosmos, transport: InProcessTransport) -> CosmosClient:
    return connect(CosmosSettings(endpoint=cosmos.endpoint, key=cosmos.key), transport=transport)


def _master_key(folder: Path | None) -> MemoryKey:
    try:
        return FileKey.read_or_make(folder / _MASTER_KEY) if folder else MemoryKey()
    except MasterKeyUnusable as error:
        raise DataFolderError(str(error)) from None


@contextmanager
def _hubs(folder: Path | None, port: int) -> Iterator[RunningServer]:
    with closing(LocalEventHubs(folder, hubs={_HUB: _HUB_PARTITIONS})) as hubs, serve_hubs(hubs, _HOST, port) as server:
        yield server


@contextmanager
def _working(consumers: Consumers) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=consumers.run, args=(stop,), name="consumers")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _banner(options: UpOptions, api: socket.socket, cosmos_port: int, hubs_port: int) -> str:
    port = api.getsockname()[1]
    kept = f"data in {options.data}/   (--memory to keep none)" if options.data else "data in memory, gone at the end"
    lines = [
        f"Tidemark {version('tidemark-ledger')}   {kept}",
        f"API          http://localhost:{port}/docs",
        f"Audit        http://localhost:{port}/audit",
        f"Cosmos DB    http://localhost:{cosmos_port}        local server",
        f"Event Hubs   localhost:{hubs_port}               local server, hub {_HUB}",
        f"Try          curl -X POST localhost:{port}/accounts -H 'Idempotency-Key: open' "
        """-d '{"account_id": "alice", "asset": "EUR/2"}'""",
        f"             curl -X POST localhost:{port}/accounts/alice/deposits -H 'Idempotency-Key: 1' "
        """-d '{"amount": 500}'""",
    ]
    return "\n".join(lines)
