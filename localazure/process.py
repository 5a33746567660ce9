"""One local server as a whole process, until it is told to stop.

Each server is imported when it is started, so that neither waits for the other.
"""

import errno
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from localazure.data_folder import data_folder
from localazure.errors import CannotServe, PortTaken

__all__ = ["run_cosmos", "run_eventhubs"]


def run_cosmos(host: str, port: int, data: Path | None, partitions: int, echo: Callable[[str], None]) -> None:
    """Serve a local Cosmos DB; `data` None keeps it in memory. `echo` is told where it is. Raises CannotServe."""
    from localazure.cosmos import LocalCosmos, run_server

    _check_port(host, port, "Cosmos DB")
    with ExitStack() as stack:
        folder = stack.enter_context(data_folder(data)) if data else None
        cosmos = stack.enter_context(LocalCosmos(folder, partitions=partitions))
        run_server(cosmos, host, port, ready=lambda address: echo(f"Cosmos DB    {address}   {_kept(data)}"))


def run_eventhubs(
    host: str,
    port: int,
    data: Path | None,
    hubs: Sequence[str],
    auto_create: Sequence[str],
    echo: Callable[[str], None],
) -> None:
    """Serve a local Event Hubs namespace. `hubs` and `auto_create` are NAME:PARTITIONS. Raises CannotServe."""
    from localazure.eventhubs import ConfigurationError, LocalEventHubs, run_server

    _check_port(host, port, "Event Hubs")
    with ExitStack() as stack:
        folder = stack.enter_context(data_folder(data)) if data else None
        try:
            namespace = LocalEventHubs(
                folder, hubs=_counts(hubs, "--hub"), auto_create=_counts(auto_create, "--auto-create")
            )
        except ConfigurationError as error:
            raise CannotServe(str(error)) from error
        stack.enter_context(closing(namespace))
        run_server(namespace, host, port, ready=lambda address: echo(f"Event Hubs   {address}   {_kept(data)}"))


def _check_port(host: str, port: int, what: str) -> None:
    """A port that is taken is told before anything is opened."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise PortTaken(f"port {port} for {what} {why}: choose another with --port") from error


def _counts(pairs: Sequence[str], option: str) -> dict[str, int]:
    counts = {}
    for pair in pairs:
        name, _, count = pair.rpartition(":")
        if not name or not count.isdecimal():
            raise CannotServe(f"{option} {pair}: expected NAME:PARTITIONS, such as orders:4")
        counts[name] = int(count)
    return counts


def _kept(data: Path | None) -> str:
    return f"data in {data}/" if data else "data in memory"
