"""The `tidemark` command. What only one command needs is imported when it runs: deployed, no local server is there."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperGroup

__all__ = ["app", "main"]

_GROUPS = {"replay": "cli.replay.commands", "audit": "cli.audit.commands"}


class _Commands(TyperGroup):
    """Imports a group of commands, or a tool of the domain, when it is asked for: an emulator starts without them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_GROUPS, *_tools()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in _GROUPS:
            return typer.main.get_group(import_module(_GROUPS[cmd_name]).app)
        own = super().get_command(ctx, cmd_name)
        if own is None and (module := _tools().get(cmd_name)):
            return typer.main.get_command(import_module(module).app)
        return own


def _tools() -> Mapping[str, str]:
    """The domain's own commands; those whose modules are not deployed are left out."""
    from service import SERVICE

    return {name: module for name, module in SERVICE.tools.items() if _is_here(module)}


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


app = typer.Typer(
    name="tidemark",
    cls=_Commands,
    help="An event-sourced service for Azure: run it, load it, rebuild its read models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
emulator = typer.Typer(help="Local servers that speak the wire protocols of Azure.", no_args_is_help=True)
app.add_typer(emulator, name="emulator")

_DATA = Path(".tidemark")
_HUB = "ledger-events:4"

Data = Annotated[Path, typer.Option(help="Folder for the data.", envvar="TIDEMARK_DATA", file_okay=False)]
Memory = Annotated[bool, typer.Option("--memory", help="Keep no data.", envvar="TIDEMARK_MEMORY")]
Host = Annotated[str, typer.Option(help="Address to listen on.", envvar="TIDEMARK_HOST")]
ApiPort = Annotated[
    int, typer.Option("--port", min=0, max=65535, envvar="TIDEMARK_PORT", help="Port of the API; 0 takes a free one.")
]
CosmosPort = Annotated[int, typer.Option(min=0, max=65535, envvar="TIDEMARK_COSMOS_PORT", help="Port of Cosmos DB.")]
EventHubsPort = Annotated[
    int, typer.Option(min=0, max=65535, envvar="TIDEMARK_EVENTHUBS_PORT", help="Port of Event Hubs.")
]


@app.command()
def up(
    port: ApiPort = 7071,
    cosmos_port: CosmosPort = 8081,
    eventhubs_port: EventHubsPort = 5672,
    data: Data = _DATA,
    memory: Memory = False,
) -> None:
    """Run the whole service on this machine: Cosmos DB, Event Hubs, API and consumers, in one process.

    Example: tidemark up --memory
    """
    from devkit.up import UpOptions
    from devkit.up import up as run

    with _local_servers():
        run(UpOptions(port, cosmos_port, eventhubs_port, None if memory else data), lambda line: typer.echo(line))


@emulator.command("cosmos")
def emulator_cosmos(
    port: CosmosPort = 8081,
    host: Host = "127.0.0.1",
    data: Data = _DATA,
    memory: Memory = False,
    partitions: Annotated[int, typer.Option(min=1, max=64, help="Physical partitions of a new container.")] = 1,
) -> None:
    """Run the local Cosmos DB server alone.

    Example: tidemark emulator cosmos --memory --port 8081
    """
    from localazure.process import run_cosmos

    with _local_servers():
        run_cosmos(host, port, None if memory else data, partitions, lambda line: typer.echo(line))


@emulator.command("eventhubs")
def emulator_eventhubs(
    port: EventHubsPort = 5672,
    host: Host = "127.0.0.1",
    data: Data = _DATA,
    memory: Memory = False,
    hub: Annotated[
        list[str] | None, typer.Option(help="NAME:PARTITIONS, may be repeated; ledger-events:4 if none is given.")
    ] = None,
    auto_create: Annotated[
        list[str] | None, typer.Option(help="PATTERN:PARTITIONS of hubs made on first use, may be repeated.")
    ] = None,
) -> None:
    """Run the local Event Hubs server alone.

    Example: tidemark emulator eventhubs --memory --hub orders:2
    """
    from localazure.process import run_eventhubs

    kept = None if memory else data
    with _local_servers():
        run_eventhubs(host, port, kept, hub or [_HUB], auto_create or [], lambda line: typer.echo(line))


@app.command()
def serve(
    which: Annotated[Literal["commands", "queries", "all"], typer.Argument(help="Which app.")],
    host: Host = "127.0.0.1",
    port: ApiPort = 7071,
) -> None:
    """Serve one of the HTTP apps against COSMOS_ENDPOINT, in a container or on a machine of your own.

    Example: TIDEMARK_AUTH=none tidemark serve queries --port 7072
    """
    from functions.hosting.server import serve as run
    from service import SERVICE

    run(SERVICE, which, host, port, lambda line: typer.echo(line))


@app.command()
def work(
    consumers: Annotated[
        list[str] | None,
        typer.Option(help="Only this one, a view's name, transfers or relay; may be repeated. All if none is given."),
    ] = None,
) -> None:
    """Run the consumers against COSMOS_ENDPOINT: views, relay and transfers. Start as many as you like.

    Example: tidemark work --consumers statement --consumers relay
    """
    from functions.hosting.server import work as run
    from service import SERVICE

    run(SERVICE, consumers or [], lambda line: typer.echo(line))


@app.command()
def tail(
    start: Annotated[str, typer.Option("--from", help="START, END, or a time in ISO 8601.")] = "END",
    stream: Annotated[str | None, typer.Option(help="Only this stream, e.g. account-alice.")] = None,
    type_name: Annotated[str | None, typer.Option("--type", help="Only this event type.")] = None,
    json: Annotated[bool, typer.Option("--json", help="CloudEvents as JSON lines.")] = False,
) -> None:
    """Print events from the hub as they come (EVENTHUBS_CONNECTION_STRING or an identity), until Ctrl-C.

    Example: tidemark tail --from START --stream account-alice
    """
    from cli.tail import run_tail
    from eventstore.environment import load
    from projectors.relay import EventHubsSettings
    from projectors.relay.tail import Selection, starting_position

    settings = load(EventHubsSettings)
    if not settings.configured:
        _fail("no hub: set EVENTHUBS_CONNECTION_STRING, or EVENTHUBS_FULLY_QUALIFIED_NAMESPACE")
    try:
        position = starting_position(start)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--from") from None
    run_tail(settings, start=position, selection=Selection(stream, type_name), json=json)


def main() -> None:
    """Run the command line; what a person can mend is one line on standard error and exit code 1, not a traceback."""
    try:
        app()
    except Exception as error:
        message = _mendable(error)
        if message is None:
            raise
        _fail(message)


@contextmanager
def _local_servers() -> Iterator[None]:
    """What keeps a local server from starting is one line, too; where there are no local servers, nobody asks."""
    from localazure.errors import CannotServe

    try:
        yield
    except CannotServe as error:
        _fail(str(error))


def _mendable(error: Exception) -> str | None:
    """What to tell the person; None when the traceback is what is needed."""
    from azure.core.exceptions import AzureError

    from eventstore.errors import SettingsError
    from functions.hosting.errors import CannotStart

    if isinstance(error, CannotStart | SettingsError):
        return str(error)
    if isinstance(error, AzureError):
        return f"the database cannot be reached or refused the request: {str(error).splitlines()[0]}"
    return None


def _fail(message: str) -> NoReturn:
    typer.echo(f"tidemark: {message}", err=True)
    sys.exit(1)
