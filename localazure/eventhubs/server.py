"""Serving a LocalEventHubs over TCP: in a thread of its own, or as the whole process."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType

from localazure.eventhubs.errors import ConfigurationError
from localazure.eventhubs.faults import Faults
from localazure.eventhubs.hubs.stored_event import StoredEvent
from localazure.eventhubs.links.connection import Connection
from localazure.eventhubs.local import LocalEventHubs

DEFAULT_PORT = 5672
"""The only port that clients of the emulator use unless their connection string names another."""

_SWEEP = 1.0


class RunningServer:
    """A server on its own thread and event loop, until `close`."""

    def __init__(self, hubs: LocalEventHubs, host: str, port: int) -> None:
        self.hubs = hubs
        self.host = host
        self._started: Future[tuple[int, Callable[[], object]]] = Future()
        self._thread = threading.Thread(target=self._run, args=(host, port), name="tidemark-eventhubs", daemon=True)
        self._thread.start()
        self.port, self._stop = self._started.result()

    @property
    def faults(self) -> Faults:
        return self.hubs.faults

    def events(self, hub: str) -> list[StoredEvent]:
        """All events that a hub keeps now: partition after partition, each in its order. Raises NotFound."""

        async def read() -> list[StoredEvent]:
            return self.hubs.events(hub)

        return asyncio.run_coroutine_threadsafe(read(), self._loop).result()

    def connection_string(self, hub: str | None = None) -> str:
        """What an Event Hubs client is made from; without a hub, that of the namespace."""
        return connection_string(self.hubs, self.host, self.port, hub)

    def close(self) -> None:
        """Cuts all connections and frees the port. The hubs stay open and may be served again."""
        self._stop()
        self._thread.join()

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, host: str, port: int) -> None:
        try:
            asyncio.run(self._serve(host, port))
        except ConfigurationError as error:
            self._started.set_exception(error)

    async def _serve(self, host: str, port: int) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop = loop

        def end() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(stop.set)

        await _accept(self.hubs, host, port, stop, lambda bound: self._started.set_result((bound, end)))


def serve(hubs: LocalEventHubs, host: str = "127.0.0.1", port: int = 0) -> RunningServer:
    """Starts a server in the background; port 0 takes a free one (see `RunningServer.port`).

    Raises ConfigurationError when the address cannot be listened on.
    """
    return RunningServer(hubs, host, port)


def run_server(
    hubs: LocalEventHubs,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serves in this thread until SIGINT or SIGTERM; `ready` gets the namespace's connection string.

    Raises ConfigurationError when the address cannot be listened on.
    """

    async def serve_until_signal() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await _accept(hubs, host, port, stop, lambda bound: ready(connection_string(hubs, host, bound)))

    asyncio.run(serve_until_signal())


def connection_string(hubs: LocalEventHubs, host: str, port: int, hub: str | None = None) -> str:
    """The connection string for a server of these hubs, in the official emulator's form."""
    name = "localhost" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 (compared, not bound)
    policy, key = next(iter(hubs.keys.items()))
    entity = f"EntityPath={hub};" if hub else ""
    return (
        f"Endpoint=sb://{name}:{port};SharedAccessKeyName={policy};SharedAccessKey={key};"
        f"{entity}UseDevelopmentEmulator=true"
    )


async def _accept(
    hubs: LocalEventHubs, host: str, port: int, stop: asyncio.Event, ready: Callable[[int], object]
) -> None:
    """Listens, and keeps the hubs' retention, until `stop` is set."""
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(lambda: Connection(hubs, connections), host, port)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host}:{port} ({error}); choose another --port") from error
    ready(server.sockets[0].getsockname()[1])
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), _SWEEP)
        except TimeoutError:
            hubs.enforce_retention()
    server.close()
    for connection in tuple(connections):
        connection.abort()
    await server.wait_closed()
    # An aborted transport reports its loss in the loop's next turn, and readers leave their partitions then.
    while connections:
        await asyncio.sleep(0)
