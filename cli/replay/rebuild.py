"""What `tidemark replay rebuild` does for each view, and how it is told."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from audit.formats import counted, duration
from cli.command_line import VIEWS, connect, now, open_stores
from cli.output import json_line
from cli.replay.display import RebuildDisplay
from projectors.database import Database
from replay.generations import drop_generation
from replay.lock import RebuildLock
from replay.past.build import build_past
from replay.past.catalog import PastView
from replay.rebuild.forecast import Forecast, forecast
from replay.rebuild.progress import RebuildOptions
from replay.rebuild.rebuild import rebuild
from replay.repair import Repaired, repair

Price = Annotated[
    float,
    typer.Option(help="With --dry-run: price of a million request units.", min=0, envvar="TIDEMARK_PRICE"),
]


def rebuild_views(views: Sequence[str], options: RebuildOptions, *, json: bool) -> None:
    """One after the other."""
    client, database = connect(options.allowance)
    for name in views:
        with RebuildDisplay(json=json) as display:
            display.done(rebuild(client, database, VIEWS[name], options, progress=display.show, connect=connect))


def forecast_views(views: Sequence[str], options: RebuildOptions, *, price: float, json: bool) -> None:
    """What each of them would take."""
    for name in views:
        found = forecast(open_stores(options.allowance), VIEWS.named(name), options, price=price)
        facts = asdict(found) | {"request_units": found.request_units, "money": found.money}
        typer.echo(json_line("forecast", facts) if json else _forecast_lines(found))


def mend_streams(views: Sequence[str], streams: Sequence[str], options: RebuildOptions, *, json: bool) -> None:
    """Each stream in each view."""
    stores = open_stores(options.allowance)
    for name in views:
        for stream in streams:
            mended = repair(stores, VIEWS.named(name), stream)
            typer.echo(json_line("mended", asdict(mended)) if json else _mended_line(mended))


def build_pasts(views: Sequence[str], until: str, options: RebuildOptions, *, json: bool) -> None:
    """Each view as of the same moment."""
    client, database = connect(options.allowance)
    for name in views:
        with RebuildDisplay(json=json, title=f"build {name} as of {until}") as display:
            past = build_past(client, database, VIEWS[name], until, options, progress=display.show)
        typer.echo(json_line("built", past_facts(past)) if json else past_line(past))


def abandon_rebuild(view: str) -> str:
    """Clears an interrupted rebuild away; one line about it. Raises RebuildRunning while somebody runs it."""
    client, database = connect()
    with RebuildLock(client, database, view, at=now().isoformat(timespec="seconds")):
        stores = Database.open(client, database)
        building = stores.registry.of(view).building
        if building is None:
            return f"no rebuild of {view} is under way"
        deleted = drop_generation(stores, view, building.generation)
    return f"{view} v{building.generation} is gone: {counted(deleted, 'document')}"


def past_facts(past: PastView) -> dict[str, object]:
    """For machines: JSON-native."""
    built = asdict(past.built) if past.built else None
    return {"name": past.name, "view": past.view, "until": past.until, "since": past.since, "built": built}


def past_line(past: PastView) -> str:
    """One view of the past in one line."""
    if past.built is None:
        return (
            f"{past.name}  as of {past.until}, not built yet: tidemark replay rebuild {past.view} --until {past.until}"
        )
    built = past.built
    return (
        f"{past.name}  as of {past.until}, {counted(built.streams, 'stream')}, {counted(built.items, 'item')}, "
        f"digest {built.digest}"
    )


def _forecast_lines(found: Forecast) -> str:
    return "\n".join(
        (
            f"forecast {found.view}  v{found.serves} serves, v{found.builds} would be built",
            f"  {counted(found.events, 'event')}, {counted(found.items, 'item')} if it comes out as v{found.serves}",
            f"  about {found.request_units:,.0f} request units: {found.reading:,.0f} reading, "
            f"{found.writing:,.0f} writing, {found.comparing:,.0f} comparing, {found.guarding:,.0f} leases and locks",
            f"  about {found.money:,.2f} at {found.price:,.2f} per million request units",
            f"  about {duration(found.seconds)}",
        )
    )


def _mended_line(mended: Repaired) -> str:
    what = f"mended, {counted(mended.written, 'document')} written" if mended.written else "right already"
    parked = "; it is parked there" if mended.parked else ""
    return f"{mended.view} v{mended.generation}  {mended.stream}: {what}, at version {mended.version}{parked}"
