"""`tidemark replay`: rebuild views from the log, and see where they stand.

Exit codes: 0 done; 1 it could not be done, or differences were found; 2 wrong usage or settings; 3 an event that a view
cannot apply; 130 interrupted (start again: it goes on).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from azure.core.exceptions import AzureError
from azure.cosmos import CosmosClient
from rich.console import Console
from rich.table import Table

from eventstore.client import connect
from eventstore.errors import SettingsError, StoreError
from eventstore.settings import CosmosSettings
from projectors.errors import PoisonEvent, ProjectionError, UnknownView
from projectors.stores import Stores
from projectors.views import VIEWS, view_named
from replay.console import RebuildDisplay, duration, fail, json_line
from replay.errors import ReplayError
from replay.rebuild import RebuildOptions, rebuild
from replay.status import Status, status

FAILED, USAGE, POISON, INTERRUPTED = 1, 2, 3, 130

app = typer.Typer(
    name="replay",
    help="Rebuild any view from the log, and see where every view stands.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="JSON lines for machines.")]
View = Annotated[str, typer.Argument(help=f"One of: {', '.join(sorted(VIEWS))}.")]


@app.command("rebuild")
def rebuild_command(
    views: Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(sorted(VIEWS))}.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every view, one after the other.")] = False,
    switch: Annotated[bool, typer.Option(help="Let the new generation serve when it is right.")] = True,
    park: Annotated[
        bool, typer.Option("--park", help="Park what cannot be applied instead of stopping there.")
    ] = False,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Switch although items differ: the view's code has changed.")
    ] = False,
    max_ru: Annotated[float | None, typer.Option(help="Request units per second, at most.", min=1)] = None,
    json: Json = False,
) -> None:
    """Build views again from the beginning of the log, beside those that serve.

    Commands and queries go on. When the new generation has caught up and its digest is that of the old one, it serves.
    Interrupted at any moment, the same command goes on where it was.

    Example: tidemark replay rebuild account-summary statement --max-ru 500
    """
    if everything == bool(views):
        raise typer.BadParameter("name the views to rebuild, or give --all")
    options = RebuildOptions(switch=switch, park=park, accept_changes=accept_changes, max_ru=max_ru)
    with _reported():
        chosen = [view_named(name).name for name in (sorted(VIEWS) if everything else views or [])]
        client, database = _connect()
        for name in chosen:
            with RebuildDisplay(json=json) as display:
                display.done(rebuild(client, database, name, options, progress=display.show))


@app.command("status")
def status_command(
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Show every view's generations with their lag, and what is parked.

    Example: tidemark replay status --watch
    """
    with _reported():
        client, database = _connect()
        stores = Stores.open(client, database)
        console = Console(highlight=False)
        while True:
            found = status(stores)
            if json:
                typer.echo(json_line("status", found.facts()))
            else:
                if watch and console.is_terminal:
                    console.clear()
                console.print(_table(found))
            if not watch:
                return
            time.sleep(2)


@app.command("switch")
def switch_command(view: View, generation: Annotated[int, typer.Argument(help="A generation that is kept.")]) -> None:
    """Let another generation of a view serve: the way back after a rebuild.

    Example: tidemark replay switch account-summary 6
    """
    with _reported():
        client, database = _connect()
        registry = Stores.open(client, database).registry
        before = registry.of(view_named(view).name).serving
        registry.switch(view, generation, at=_now())
        typer.echo(f"{view} v{generation} serves. Undo: tidemark replay switch {view} {before}")


def _table(found: Status) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("view", "generation", "state", "lag", "behind", "parked", "worker"):
        table.add_column(heading, justify="right" if heading in ("lag", "behind", "parked") else "left")
    for row in found.views:
        begun = bool(row.lag.ranges)
        table.add_row(
            row.view,
            f"v{row.generation}",
            row.state + (f" by {row.by}" if row.by else ""),
            f"{row.lag.transactions:,}" if begun else "not begun",
            duration(row.lag.seconds) if begun else "",
            str(row.parked),
            "yes" if row.lag.owned else "no",
        )
    return table


def _connect() -> tuple[CosmosClient, str]:
    settings = CosmosSettings.load()
    return connect(settings), settings.database


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@contextmanager
def _reported() -> Iterator[None]:
    """Every failure that a person can do something about: one line, and its exit code."""
    try:
        yield
    except PoisonEvent as error:
        fail(f"{error}. Mend the view and start again: it goes on from there. --park goes on without the stream.")
        raise typer.Exit(POISON) from None
    except (SettingsError, UnknownView) as error:
        fail(str(error))
        raise typer.Exit(USAGE) from None
    except (ProjectionError, ReplayError, StoreError) as error:
        fail(str(error))
        raise typer.Exit(FAILED) from None
    except AzureError as error:
        fail(f"Cosmos DB: {error.message.splitlines()[0] if error.message else error}")
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        fail("interrupted; start again and it goes on")
        raise typer.Exit(INTERRUPTED) from None
