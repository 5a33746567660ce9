"""How far one stream, one partition, one hub, one instance goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.capacity.installation import CONTAINERS, Installation, dev, prod
from bench.capacity.model import Model

BUCKETS = 16
"""Of account-summary and transfer-status: `projectors.views.streams.view.StreamView.buckets`."""
_DAY = 86_400


def limits(model: Model) -> Iterable[list[str]]:
    """Rows: the limit, what sets it, where it is reached."""
    yield from _stream(model)
    yield from _views(model)
    yield from _hub(model)
    yield from _account(model)


def _stream(model: Model) -> Iterable[list[str]]:
    figures, given = model.figures, model.given
    rate = 1 / given.request_seconds
    units = given.partition_units / figures.commands["deposit, warm"].in_container("events")
    events = given.logical_gb * 1e9 / figures.bytes["deposit"]["events"]
    lasts = f"{events / rate / _DAY:,.1f} days at {rate:,.0f}/s, {events / _DAY:,.0f} days at 1/s"
    yield ["one stream, time", f"appends wait for each other, {given.request_ms:g} ms each", f"{rate:,.0f} commands/s"]
    yield ["one stream, request units", f"{given.partition_units:,.0f} RU/s of a partition", f"{units:,.0f} commands/s"]
    yield [
        "one stream, size",
        f"{given.logical_gb:g} GB of a partition key",
        f"{events / 1e6:,.1f} million events: {lasts}",
    ]


def _views(model: Model) -> Iterable[list[str]]:
    figures, given = model.figures, model.given
    summary = BUCKETS * given.partition_units / figures.consumers["account-summary@1"].event.in_container("views")
    item = figures.bytes["transfer"]["views"] - 2 * figures.bytes["deposit"]["views"]  # less its two statement entries
    transfers = BUCKETS * given.logical_gb * 1e9 / item
    totals = given.partition_units / figures.consumers["ledger-totals@1"].page.in_container("views")
    lasts = f"{transfers / 1e6:,.0f} million transfers: {transfers / _DAY / 100:,.0f} days at 100/s"
    yield [
        "account-summary",
        f"{given.partition_units:,.0f} RU/s of each of {BUCKETS} buckets",
        f"{summary:,.0f} events/s",
    ]
    yield ["transfer-status", f"{given.logical_gb:g} GB of each of {BUCKETS} buckets", lasts]
    yield [
        "ledger-totals",
        f"{given.partition_units:,.0f} RU/s of its one partition",
        f"{totals:,.0f} pages/s, all ranges",
    ]
    yield [
        "consumers, one Functions instance",
        "one page after the other, or its core",
        f"{model.events_per_visitor:,.0f} events/s",
    ]


def _hub(model: Model) -> Iterable[list[str]]:
    given = model.given
    least = min(given.unit_mb * 1e6 / model.figures.bytes["deposit"]["hub"], given.unit_events)
    of_hub = min(given.hub_units, given.hub_partitions) * least
    yield ["one stream on the hub", "1 MB/s or 1,000 events/s of a partition", f"{least:,.0f} events/s"]
    yield [
        "hub, Standard",
        f"{given.hub_partitions:g} partitions, {given.hub_units:g} throughput units",
        f"{of_hub:,.0f} events/s",
    ]


def _account(model: Model) -> Iterable[list[str]]:
    given = model.given
    serverless = _reached(model, dev(), dict.fromkeys(CONTAINERS, given.serverless_limit))
    deployed = _reached(model, prod(), prod().ceilings)
    most = _reached(model, prod(), dict.fromkeys(CONTAINERS, given.container_limit))
    yield ["serverless account", f"{given.serverless_limit:,.0f} RU/s of a container", serverless]
    yield ["account of `envs/prod.tfvars`", "its `max_throughput`", deployed]
    yield ["autoscale account", f"{given.container_limit:,.0f} RU/s of a container", most]


def _reached(model: Model, installation: Installation, ceilings: Mapping[str, float]) -> str:
    """Commands per second at which the first container is at its ceiling, and which; found by halving."""
    least, most, first = 0, 100_000, ""
    while most - least > 1:
        middle = (least + most) // 2
        units = model.plan(middle, installation).units
        over = [name for name in CONTAINERS if units[name] > ceilings[name]]
        if over:
            most, first = middle, over[0]
        else:
            least = middle
    return f"{least:,} commands/s, by {first}"
