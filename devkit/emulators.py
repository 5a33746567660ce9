"""`tidemark emulator`: one of the local servers alone, until it is told to stop.

Each server is imported when it is started, so that neither waits for the other.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from devkit.data_folder import data_folder
from functions.hosting.errors import CannotStart
from functions.hosting.ports import listen

__all__ = ["run_cosmos", "run_eventhubs"]


def run_cosmos(host: str, port: int, data: Path | None, partitions: int, echo: Callable[[str], None]) -> None:
    """Serve a local Cosmos DB. Raises CannotStart."""
    from localazure.cosmos import LocalCosmos, run_server

    listen(host, port, "Cosmos DB", "--port or TIDEMARK_COSMOS_PORT").close()
    with ExitStack() as stack:
        folder = stack.enter_context(data_folder(data)) if data else None
        cosmos = stack.enter_context(LocalCosmos(folder, partitions=partitions))
        echo(f"Cosmos DB    http://localhost:{port}   {_kept(data)}")
        run_server(cosmos, host, port)


def run_eventhubs(
    host: str,
    port: int,
    data: Path | None,
    hubs: Sequence[str],
    auto_create: Sequence[str],
    echo: Callable[[str], None],
) -> None:
    """Serve a local Event Hubs namespace. `hubs` and `auto_create` are NAME:PARTITIONS. Raises CannotStart."""
    from localazure.eventhubs import ConfigurationError, LocalEventHubs, run_server

    listen(host, port, "Event Hubs", "--port or TIDEMARK_EVENTHUBS_PORT").close()
    with ExitStack() as stack:
        folder = stack.enter_context(data_folder(data)) if data else None
        try:
            namespace = LocalEventHubs(
                folder, hubs=_counts(hubs, "--hub"), auto_create=_counts(auto_create, "--auto-create")
            )
        except ConfigurationError as error:
            raise CannotStart(str(error)) from error
        stack.enter_context(closing(namespace))
        run_server(namespace, host, port, ready=lambda address: echo(f"Event Hubs   {address}   {_kept(data)}"))


def _counts(pairs: Sequence[str], option: str) -> dict[str, int]:
    counts = {}
    for pair in pairs:
        name, _, count = pair.rpartition(":")
        if not name or not count.isdecimal():
            raise CannotStart(f"{option} {pair}: expected NAME:PARTITIONS, such as ledger-events:4")
        counts[name] = int(count)
    return counts


def _kept(data: Path | None) -> str:
    return f"data in {data}/" if data else "data in memory"
