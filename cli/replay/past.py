"""`tidemark replay past`: views of the past, as `tidemark replay rebuild --until` builds them."""

from typing import Annotated

import typer

from cli.command_line import VIEWS, Json, open_stores, reported
from cli.output import json_line
from cli.replay.rebuild import past_facts, past_line
from replay.past.build import drop_past, read_past
from replay.past.catalog import PastViews

app = typer.Typer(
    name="past",
    help="Views of the past, as `rebuild --until` builds them: list, show, drop.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(help="Its name, as `past list` shows it.")]


@app.command("list")
def list_command(json: Json = False) -> None:
    """List the views of the past that there are.

    Example: tidemark replay past list
    """
    with reported():
        found = PastViews(open_stores().views).all()
        for past in found:
            typer.echo(json_line("past", past_facts(past)) if json else past_line(past))
        if not found and not json:
            typer.echo("there is none")


@app.command("show")
def show_command(
    name: Name,
    stream: Annotated[str | None, typer.Argument(help="A stream, or a key of sums; everything unless given.")] = None,
) -> None:
    """Print what a view of the past holds, as JSON lines.

    Example: tidemark replay past show account-summary.20261123T120000Z account-alice
    """
    with reported():
        for row in read_past(open_stores(), VIEWS, name, stream):
            typer.echo(json_line("item", row))


@app.command("drop")
def drop_command(name: Name) -> None:
    """Delete a view of the past.

    Example: tidemark replay past drop account-summary.20261123T120000Z
    """
    with reported():
        typer.echo(f"{name} is gone: {drop_past(open_stores(), name):,} documents")
