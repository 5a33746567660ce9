"""`tidemark replay`: rebuild views from the log, verify them, and see where they stand.

Exit codes: 0 done; 1 it could not be done, or differences were found; 2 wrong usage or settings; 3 an event that a view
cannot apply; 130 interrupted (start again: it goes on).
"""

import time
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console

from audit.formats import counted
from cli.command_line import FAILED, NAMES, VIEWS, Json, KeepDays, View, Views, connect, now, open_stores, reported
from cli.output import json_line
from cli.replay import deadletters as deadletters_cli
from cli.replay import past as past_cli
from cli.replay.display import told
from cli.replay.rebuild import Price, abandon_rebuild, build_pasts, forecast_views, mend_streams, rebuild_views
from cli.replay.status_table import status_notes, status_table
from projectors.throughput.limiter import RateLimiter
from replay.generations import drop_generation
from replay.rebuild.forecast import PRICE
from replay.rebuild.handover import switch_to
from replay.rebuild.progress import RebuildOptions
from replay.retention import KEEP_DAYS, prune
from replay.status import Status, status
from replay.verify import Verified, verify

_WATCH_SECONDS = 2.0
MIN_RU = 50
"""Below it, one write of a statement line, its guard or a lease is too much for a second."""

app = typer.Typer(
    name="replay",
    help="Rebuild any view from the log, verify it, and see where every view stands.",
    epilog="Exit codes: 0 done, 1 not done or different, 2 usage, 3 an event that cannot be applied, 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(deadletters_cli.app)
app.add_typer(past_cli.app)


@app.command("rebuild")
def rebuild_command(
    views: Views = None,
    everything: Annotated[bool, typer.Option("--all", help="Every view, one after the other.")] = False,
    switch: Annotated[bool, typer.Option(help="Let the new generation serve when it is right.")] = True,
    park: Annotated[
        bool, typer.Option("--park", help="Park what cannot be applied instead of stopping there.")
    ] = False,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Switch although items differ: the view's code has changed.")
    ] = False,
    max_ru: Annotated[float | None, typer.Option(help="Request units per second, at most.", min=MIN_RU)] = None,
    workers: Annotated[int, typer.Option(help="Processes, each with ranges of the feed of its own.", min=1)] = 1,
    keep_days: KeepDays = KEEP_DAYS,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build nothing: forecast events, items, request units, money and time.")
    ] = False,
    price: Price = PRICE,
    until: Annotated[
        str | None,
        typer.Option(help="Build the view as of a time (ISO 8601) or a command's position, under its own name."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Mend only what the serving generation has of this stream; may be repeated."),
    ] = None,
    json: Json = False,
) -> None:
    """Build views again from the beginning of the log, beside those that serve.

    Commands and queries go on. When the new generation has caught up and its digest is that of the old one, it serves.
    Interrupted at any moment, the same command goes on where it was.

    Example: tidemark replay rebuild account-summary statement --max-ru 500
    """
    if sum((dry_run, until is not None, bool(only))) > 1:
        raise typer.BadParameter("--dry-run, --until and --only exclude each other")
    if workers > 1 and until is not None:
        raise typer.BadParameter("a view of the past is built by one process", param_hint="--workers")
    options = RebuildOptions(
        switch,
        park,
        accept_changes,
        allowance=RateLimiter(max_ru) if max_ru else None,
        workers=workers,
        keep=timedelta(days=keep_days),
    )
    with reported():
        chosen = _chosen(views, everything)
        if dry_run:
            forecast_views(chosen, options, price=price, json=json)
        elif until is not None:
            build_pasts(chosen, until, options, json=json)
        elif only:
            mend_streams(chosen, only, options, json=json)
        else:
            rebuild_views(chosen, options, json=json)


@app.command("status")
def status_command(
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Show every view's generations and every consumer: lag, events per second, retries, what is parked.

    Example: tidemark replay status --watch
    """
    with reported():
        stores = open_stores()
        console = Console(highlight=False)
        before: Status | None = None
        while True:
            found = status(stores, VIEWS)
            shown = found if before is None else found.since(before)
            before = found
            if json:
                typer.echo(json_line("status", shown.facts()))
            else:
                if watch and console.is_terminal:
                    console.clear()
                console.print(status_table(shown))
                for note in status_notes(shown):
                    console.print(note, soft_wrap=True)
            if not watch:
                return
            time.sleep(_WATCH_SECONDS)


@app.command("verify")
def verify_command(
    views: Views = None,
    everything: Annotated[bool, typer.Option("--all", help="Every view.")] = False,
    json: Json = False,
) -> None:
    """Compare stored views with a fold of the log, item by item, while writes go on. Exit 1 when they differ.

    Example: tidemark replay verify account-summary
    """
    with reported():
        chosen = _chosen(views, everything)
        stores = open_stores()
        found = [verify(stores, VIEWS[name]) for name in chosen]
    for verified in found:
        if json:
            typer.echo(json_line("verified", asdict(verified) | {"right": verified.right}))
        else:
            _print_verified(verified)
    if not all(verified.right for verified in found):
        raise typer.Exit(FAILED)


@app.command("switch")
def switch_command(view: View, generation: Annotated[int, typer.Argument(help="A generation that is kept.")]) -> None:
    """Let another generation of a view serve: the way back after a rebuild.

    Example: tidemark replay switch account-summary 6
    """
    with reported():
        before, lag = switch_to(*connect(), VIEWS.named(view), generation)
        undo = f"tidemark replay switch {view} {before}"
        typer.echo(f"{view} v{generation} serves, lag {told(lag)}. Undo: {undo}")


@app.command("drop")
def drop_command(view: View, generation: Annotated[int, typer.Argument(help="A generation that is kept.")]) -> None:
    """Delete a generation that is kept, with its items and positions. Its number is never used again.

    Example: tidemark replay drop account-summary 5
    """
    with reported():
        deleted = drop_generation(open_stores(), VIEWS.named(view).name, generation)
        typer.echo(f"{view} v{generation} is gone: {deleted:,} documents")


@app.command("prune")
def prune_command(
    views: Views = None,
    everything: Annotated[bool, typer.Option("--all", help="Every view.")] = False,
    keep_days: KeepDays = KEEP_DAYS,
) -> None:
    """Delete generations that ceased to serve long ago. A rebuild does so at its end.

    Example: tidemark replay prune --all --keep-days 30
    """
    with reported():
        stores = open_stores()
        for name in _chosen(views, everything):
            for removed in prune(stores, name, keep=timedelta(days=keep_days), now=now()):
                typer.echo(f"{name} v{removed.generation} is gone: {counted(removed.documents, 'document')}")


@app.command("abandon")
def abandon_command(view: View) -> None:
    """Give up a rebuild that nobody runs any more, and delete what it made. The next one starts from the beginning.

    Example: tidemark replay abandon account-summary
    """
    with reported():
        typer.echo(abandon_rebuild(VIEWS.named(view).name))


def _chosen(views: list[str] | None, everything: bool) -> list[str]:
    if everything == bool(views):
        raise typer.BadParameter(f"name views ({NAMES}), or give --all")
    return [VIEWS.named(name).name for name in (sorted(VIEWS) if everything else views or [])]


def _print_verified(verified: Verified) -> None:
    name = f"{verified.view} v{verified.generation}"
    typer.echo(f"{name}  {counted(verified.streams, 'stream')}, {counted(verified.items, 'item')}")
    typer.echo(f"  digest of the log   {verified.log}")
    typer.echo(f"  digest of the view  {verified.stored}")
    for difference in verified.different[:10]:
        typer.echo(f"  {difference.name} at version {difference.version}: {difference.reason}")
    if verified.parked:
        typer.echo(f"  {len(verified.parked)} parked: tidemark replay deadletters list {verified.view}")
    verdict = "right" if verified.right else counted(len(verified.different), "difference")
    typer.echo(f"  {verdict}")
