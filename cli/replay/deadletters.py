"""`tidemark replay deadletters`: events that a view could not apply, and the streams that wait behind them.

The queue is the log itself, so retrying applies the events in order and as they would be applied today, upcasters
included. It is safe beside running workers.
"""

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from cli.command_line import FAILED, VIEWS, Generation, Json, View, now, open_stores, reported
from cli.output import json_line
from projectors.database import Stores
from projectors.errors import NotParked
from projectors.views.dead_letters import Drain, Parked, drain_of, parked_in

app = typer.Typer(
    name="deadletters",
    help="Events that a view could not apply: list, show, retry, drop.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Stream = Annotated[str, typer.Argument(help="The parked stream, e.g. account-alice.")]


@app.command("list")
def list_command(
    view: Annotated[str | None, typer.Argument(help="One view; all of them unless given.")] = None,
    generation: Generation = None,
    json: Json = False,
) -> None:
    """List the streams that wait, with the event that stopped each.

    Example: tidemark replay deadletters list account-summary
    """
    with reported():
        stores = open_stores()
        names = [VIEWS.named(view).name] if view else sorted(VIEWS)
        found = [
            parked for name in names for parked in parked_in(stores.views, name, _number(stores, name, generation))
        ]
        for parked in found:
            typer.echo(json_line("parked", asdict(parked)) if json else _line(parked))
        if not found and not json:
            typer.echo("nothing is parked")


@app.command("show")
def show_command(view: View, stream: Stream, generation: Generation = None, json: Json = False) -> None:
    """Show why a stream waits, and the event that stopped it.

    Example: tidemark replay deadletters show account-summary account-alice
    """
    with reported():
        stores = open_stores()
        number = _number(stores, VIEWS.named(view).name, generation)
        for parked in _parked(stores, view, number, stream):
            event = next(stores.history.stream(stream, after=parked.version, limit=1))
            facts = asdict(parked) | {"meta": event.meta, "state": event.state.decode(errors="replace")}
            if json:
                typer.echo(json_line("parked", facts))
                continue
            typer.echo(_line(parked))
            for name in ("attempts", "state", "meta"):
                typer.echo(f"  {name:<9} {facts[name]}")


@app.command("retry")
def retry_command(
    view: View,
    streams: Annotated[list[str] | None, typer.Argument(help="Streams; all that wait unless given.")] = None,
    generation: Generation = None,
) -> None:
    """Apply what waits, in order: after the view or an upcaster has been mended.

    Example: tidemark replay deadletters retry account-summary account-alice
    """
    with reported():
        stores = open_stores()
        number = _number(stores, VIEWS.named(view).name, generation)
        drain = _drain(stores, view, number)
        left = 0
        for stream in streams or sorted({parked.stream for parked in parked_in(stores.views, view, number)}):
            failure = drain.retry(stream)
            left += failure is not None
            typer.echo(
                f"{stream}: applied"
                if failure is None
                else f"{stream}: still at version {failure['version']} ({failure['type']}): {failure['reason']}"
            )
        if left:
            raise typer.Exit(FAILED)


@app.command("drop")
def drop_command(
    view: View,
    stream: Stream,
    version: Annotated[int, typer.Argument(help="The version that cannot be applied, as `list` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    generation: Generation = None,
) -> None:
    """Leave one event out of a view for good, and apply what waits behind it. The log keeps it, and the view a note.

    Example: tidemark replay deadletters drop account-summary account-alice 7
    """
    with reported():
        stores = open_stores()
        number = _number(stores, VIEWS.named(view).name, generation)
        if not yes:
            typer.confirm(f"Leave version {version} of {stream} out of {view} v{number} for good?", abort=True)
        drain = _drain(stores, view, number)
        drain.drop(stream, version, by=getpass.getuser(), at=now())
        failure = drain.retry(stream)
        typer.echo(
            f"{stream}: version {version} left out, the rest applied"
            if failure is None
            else f"{stream}: version {version} left out, now at version {failure['version']}: {failure['reason']}"
        )


def _number(stores: Stores, view: str, generation: int | None) -> int:
    return stores.registry.of(view).serving if generation is None else generation


def _drain(stores: Stores, view: str, generation: int) -> Drain:
    return drain_of(VIEWS.named(view), generation, views=stores.views, history=stores.history, mapper=stores.mapper)


def _parked(stores: Stores, view: str, generation: int, stream: str) -> list[Parked]:
    found = [parked for parked in parked_in(stores.views, view, generation) if parked.stream == stream]
    if not found:
        raise NotParked(view, stream)
    return found


def _line(parked: Parked) -> str:
    waiting = parked.upto - parked.version
    return (
        f"{parked.view} v{parked.generation}  {parked.stream} version {parked.version + 1} ({parked.type}), "
        f"{waiting} {'event waits' if waiting == 1 else 'events wait'}: {parked.reason}"
    )
