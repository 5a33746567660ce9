"""The apps and the workers outside Azure Functions: in a container, on a virtual machine, on this machine."""

import signal
import socket
import threading
from collections.abc import Callable, Collection
from typing import Final

import uvicorn
from azure.cosmos import CosmosClient
from starlette.types import ASGIApp

from eventstore.cosmos.settings import CosmosSettings
from eventstore.environment import load
from functions.commands.app import create_commands
from functions.composition import build_audit, build_consumers, build_services
from functions.hosting import local
from functions.hosting.errors import Unprotected
from functions.hosting.exporters import configure_telemetry
from functions.hosting.logs import configure_logs
from functions.hosting.metering import connect_metered
from functions.hosting.ports import listen
from functions.http.liveness import Liveness
from functions.queries.app import create_queries
from functions.service import Service
from functions.settings import Settings, is_loopback

__all__ = ["APPS", "open_app", "run_app", "serve", "work"]

APPS: Final = ("commands", "queries", "all")
_GRACE_SECONDS = 3


def open_app(which: str, service: Service, settings: Settings, client: CosmosClient, database: str) -> ASGIApp:
    """One of APPS. Raises SettingsError."""
    services = build_services(service, settings, client, database)
    if which == "commands":
        return create_commands(service, services)
    audit = build_audit(service, settings, client, database, services.personal)
    return (create_queries if which == "queries" else local.create_app)(service, services, audit)


def serve(service: Service, which: str, host: str, port: int, echo: Callable[[str], None]) -> None:
    """Serve one of APPS until SIGINT or SIGTERM.

    Raises:
        CannotStart: the port is in use, or TIDEMARK_AUTH is none and `host` not on loopback.
        SettingsError: a variable is missing or wrong.
    """
    settings = load(Settings)
    if settings.auth == "none" and not is_loopback(host):
        raise Unprotected(f"TIDEMARK_AUTH=none serves this machine only and {host} is not on loopback: set it to entra")
    settings.require_auth()
    configure_logs(settings.log_level)
    configure_telemetry(which)
    cosmos = CosmosSettings.load()
    with listen(host, port, f"the {which} app", "--port or TIDEMARK_PORT") as listener:
        app = open_app(which, service, settings, connect_metered(cosmos), cosmos.database)
        echo(f"{which:<12} http://{host}:{listener.getsockname()[1]}/docs")
        run_app(app, listener)


def run_app(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until a signal. uvicorn sends the signal on when it is done; it has had its effect then."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])


def work(service: Service, only: Collection[str], echo: Callable[[str], None]) -> None:
    """Run the consumers, or those that `only` names, until SIGINT or SIGTERM.

    Where something hangs the process ends with exit code 1, for whoever runs it to start it again.

    Raises:
        SettingsError: a variable is missing or wrong.
    """
    settings = load(Settings)
    configure_logs(settings.log_level)
    configure_telemetry("projectors")
    cosmos = CosmosSettings.load()
    consumers = build_consumers(service, connect_metered(cosmos), cosmos.database, only=only)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    echo(f"Working: {', '.join(only)}." if only else "Working.")
    with Liveness(lambda: consumers.hanging, stop):
        consumers.run(stop)
