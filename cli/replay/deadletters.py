"""`tidemark replay deadletters`: events that a view could not apply, and the streams that wait behind them.

The queue is the log itself, so retrying applies the events in order and as they would be applied today, upcasters
included. It is safe beside running workers. `relay` stands for the relay, where streams wait that the hub has stopped.
"""

import getpass
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Annotated

import orjson
import typer

from cli.command_line import FAILED, NAMES, VIEWS, Generation, Json, now, open_stores, reported
from cli.output import json_line
from eventstore.cosmos.settings import CosmosSettings
from projectors.database import Database
from projectors.errors import NotParked
from projectors.relay import RELAY, EventHubPublisher, EventHubsSettings, RelayDrain, parked_streams
from projectors.views.dead_letters import DeadLetter, DeadLetters, all_dead_letters, dead_letters_of

app = typer.Typer(
    name="deadletters",
    help="Events that a view could not apply: list, show, retry, drop.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _complete(incomplete: str) -> list[str]:
    return [name for name in (*sorted(VIEWS), RELAY) if name.startswith(incomplete)]


View = Annotated[str, typer.Argument(help=f"One of: {NAMES}, or {RELAY}.", autocompletion=_complete)]
Stream = Annotated[str, typer.Argument(help="The parked stream, e.g. account-alice.")]


@app.command("list")
def list_command(
    view: Annotated[str | None, typer.Argument(help="One view, or relay; all of them unless given.")] = None,
    generation: Generation = None,
    json: Json = False,
) -> None:
    """List the streams that wait, with the event that stopped each.

    Example: tidemark replay deadletters list account-summary
    """
    with reported():
        stores = open_stores()
        names = [view] if view else [*sorted(VIEWS), RELAY]
        found = [parked for name in names for parked in _waiting(stores, name, generation)]
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
        for parked in _parked(stores, view, generation, stream):
            event = next(stores.history.stream(stream, after=parked.version, limit=1))
            facts = asdict(parked) | {"meta": event.meta, "state": event.state.decode(errors="replace")}
            if json:
                typer.echo(json_line("parked", facts))
                continue
            typer.echo(_line(parked))
            for name in ("attempts", "state", "meta"):
                typer.echo(f"  {name:<9} {_json(event.meta) if name == 'meta' else facts[name]}")


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
        waiting = {parked.stream for parked in _waiting(stores, view, generation)}
        if not (waiting or streams):
            typer.echo("nothing waits")
        left = 0
        with _draining(stores, view, generation) as drain:
            for stream in streams or sorted(waiting):
                if stream not in waiting:
                    typer.echo(f"{stream}: nothing waits")
                    left += 1
                    continue
                failure = drain.retry(stream)
                left += failure is not None
                typer.echo(
                    f"{stream}: {_done(view)}"
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

    What follows from the event is then missing or wrong, and every answer out of it says so, until a rebuild.

    Example: tidemark replay deadletters drop account-summary account-alice 7
    """
    with reported():
        stores = open_stores()
        found = _parked(stores, view, generation, stream)
        if all(parked.version + 1 != version for parked in found):
            raise NotParked(view, stream, version)
        typer.echo(_consequence(view, version, max(parked.upto for parked in found)))
        if not yes:
            typer.confirm(
                f"Leave version {version} of {stream} out of {_title(stores, view, generation)} for good?", abort=True
            )
        with _draining(stores, view, generation) as drain:
            drain.drop(stream, version, by=getpass.getuser(), at=now())
            failure = drain.retry(stream)
        typer.echo(
            f"{stream}: version {version} left out, the rest {_done(view)}{_again(view)}"
            if failure is None
            else f"{stream}: version {version} left out, now at version {failure['version']}: {failure['reason']}"
        )


def _number(stores: Database, view: str, generation: int | None) -> int:
    return stores.registry.of(VIEWS.named(view).name).serving if generation is None else generation


def _title(stores: Database, view: str, generation: int | None) -> str:
    return RELAY if view == RELAY else f"{view} v{_number(stores, view, generation)}"


def _done(view: str) -> str:
    return "sent" if view == RELAY else "applied"


def _waiting(stores: Database, view: str, generation: int | None) -> list[DeadLetter]:
    if view != RELAY:
        return all_dead_letters(stores.views, view, _number(stores, view, generation))
    found = parked_streams(stores.leases.gateway).all().values()
    return [
        DeadLetter(
            RELAY, 1, each.stream, each.version, each.upto, each.error["type"], each.error["reason"], each.attempts
        )
        for each in sorted(found, key=lambda each: each.stream)
    ]


@contextmanager
def _draining(stores: Database, view: str, generation: int | None) -> Iterator[DeadLetters]:
    if view != RELAY:
        number = _number(stores, view, generation)
        yield dead_letters_of(
            VIEWS.named(view), number, views=stores.views, history=stores.history, mapper=stores.mapper
        )
        return
    source = f"urn:tidemark:{CosmosSettings.load().database}"
    with closing(EventHubPublisher(EventHubsSettings().producer(), source=source)) as publisher:
        yield RelayDrain(parked_streams(stores.leases.gateway), stores.history, publisher)


def _parked(stores: Database, view: str, generation: int | None, stream: str) -> list[DeadLetter]:
    found = [parked for parked in _waiting(stores, view, generation) if parked.stream == stream]
    if not found:
        raise NotParked(view, stream)
    return found


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _again(view: str) -> str:
    return "" if view == RELAY else f"; after a mend, `tidemark replay rebuild {view}` takes it in again"


def _consequence(view: str, version: int, upto: int) -> str:
    """What depends on an event that is left out: every later one of its stream."""
    waiting = f" ({version + 1} to {upto} wait already)" if upto > version else ""
    if view == RELAY:
        return f"versions from {version + 1} on{waiting} are sent without version {version}: subscribers never get it"
    return (
        f"versions from {version + 1} on{waiting} are applied without version {version}: "
        "what follows from it is missing or wrong there, balances included"
    )


def _line(parked: DeadLetter) -> str:
    waiting = parked.upto - parked.version
    title = parked.view if parked.view == RELAY else f"{parked.view} v{parked.generation}"
    return (
        f"{title}  {parked.stream} version {parked.version + 1} ({parked.type}), "
        f"{waiting} {'event waits' if waiting == 1 else 'events wait'}: {parked.reason}"
    )
