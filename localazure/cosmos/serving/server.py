"""Serving a local Cosmos DB over HTTP on the loopback interface."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from localazure.cosmos.local import LocalCosmos
from localazure.cosmos.serving.asgi import TRANSPORT_KEY, Application

_BACKLOG = 2048
_START_TIMEOUT = 10.0


class _Protocol(HttpToolsProtocol):
    """Lets the application reach the connection, so that it can reset it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {TRANSPORT_KEY: self.transport}
        self.scope["extensions"] = extensions


class _Server(uvicorn.Server):
    """Tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


class RunningServer:
    """A server in a background thread; a context manager."""

    def __init__(self, cosmos: LocalCosmos, host: str, port: int) -> None:
        self._socket = _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.endpoint = f"http://{host}:{self.port}/"
        self.key = cosmos.key
        self._server = _Server(_config(cosmos))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="cosmos-server", daemon=True
        )
        self._thread.start()
        if not self._server.is_up.wait(_START_TIMEOUT):
            raise TimeoutError(f"The local Cosmos DB server did not start on {self.endpoint}.")

    @property
    def connection_string(self) -> str:
        """What `CosmosClient.from_connection_string` is given, of the SDK for any language."""
        return f"AccountEndpoint={self.endpoint};AccountKey={self.key};"

    def close(self) -> None:
        """Stop serving; the account stays open."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()
        self._socket.close()

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def serve(cosmos: LocalCosmos, host: str = "127.0.0.1", port: int = 0) -> RunningServer:
    """Serve an account in the background; port 0 takes a free one."""
    return RunningServer(cosmos, host, port)


def run_server(
    cosmos: LocalCosmos,
    host: str = "127.0.0.1",
    port: int = 8081,
    *,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve an account until SIGINT or SIGTERM, in the main thread; `ready` gets the address that is listened on."""
    listening = _listen(host, port)
    ready(f"http://{_shown(host)}:{listening.getsockname()[1]}/")
    server = uvicorn.Server(_config(cosmos))
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises again what it has caught: to itself, so that the caller gets to close the store.
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listening])


def _shown(host: str) -> str:
    """A host in a URL: an address that means all of them is no place to go to."""
    if host in ("127.0.0.1", "0.0.0.0", "::"):  # noqa: S104 (compared, not bound)
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's algorithm off only where it is: 40 ms per request.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(_BACKLOG)
    return listening


def _config(cosmos: LocalCosmos) -> uvicorn.Config:
    settings: dict[str, Any] = {
        "http": _Protocol,
        "ws": "none",
        "lifespan": "off",
        "access_log": False,
        "server_header": False,
        "log_level": "error",
        "timeout_keep_alive": 120,
        "timeout_graceful_shutdown": 1,
    }
    return uvicorn.Config(Application(cosmos), **settings)
