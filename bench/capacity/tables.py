"""The tables of docs/capacity.md: what was measured, and what the model makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bench.capacity.figures import Cost, Figures
from bench.capacity.installation import CONTAINERS, dev, prod
from bench.capacity.limits import limits
from bench.capacity.model import Model, Plan
from bench.capacity.page import table, trimmed
from bench.capacity.settings import Assumptions

COLUMNS = ((10.0, dev()), (10.0, prod()), (1_000.0, prod()), (100_000.0, prod()))
"""Commands per second, and what is deployed."""
TEXT = "---"
HOUR = 3600
TIMERS = 60
"""Visits of `tick`, and of `upkeep`, in an hour: functions/hosting/azure.py."""


def tables(figures: Figures, given: Assumptions) -> dict[str, str]:
    """Markdown by the name of its place in the page."""
    model = Model(figures, given)
    plans = [model.plan(rate, installation) for rate, installation in COLUMNS]
    return {
        "commands": table(("", "requests", "RU", *CONTAINERS[:3]), _commands(figures)),
        "consumers": _consumers(figures),
        "idle": table(("nothing to do, for an hour", "requests", "RU"), _idle(figures)),
        "bytes": table(("bytes as JSON", "events", "views", "on the hub"), _bytes(figures)),
        "cpu": table(("processor time", "µs"), _cpu(figures)),
        "sizes": table(("commands a second", *(_heading(plan) for plan in plans)), _sizes(plans)),
        "costs": table(("euros a million commands", *(_heading(plan) for plan in plans)), _costs(plans)),
        "limits": table(("limit", "set by", "reached at"), limits(model), align=TEXT),
        "levers": table(("RU a command", *(_heading(plan) for plan in plans)), _levers(figures, given)),
        "load": table(("setting", "value", ""), _settings(given, lambda source: not source), align=TEXT),
        "prices": table(("setting", "value", "", "source"), _settings(given, bool), align=TEXT),
    }


def _commands(figures: Figures) -> Iterable[list[str]]:
    for name, cost in (
        *figures.commands.items(),
        *((f"query: {name}", cost) for name, cost in figures.queries.items()),
    ):
        by_container = [
            f"{cost.in_container(place):.1f}" if cost.in_container(place) else "" for place in CONTAINERS[:3]
        ]
        yield [name, f"{cost.total_requests:.4g}", f"{cost.total_units:.1f}", *by_container]


def _consumers(figures: Figures) -> str:
    sizes = list(next(iter(figures.consumers.values())).pages)
    head = ["RU per event, in pages of", *map(str, sizes), "requests per event", "a page by itself", "a transfer"]
    rows = []
    for name, consumer in figures.consumers.items():
        per_event = [trimmed(consumer.pages[size].total_units / size) for size in sizes]
        last = consumer.pages[sizes[-1]].total_requests / sizes[-1]
        rows.append(
            [
                name,
                *per_event,
                f"{last:.2f}",
                trimmed(consumer.page.total_units),
                trimmed(consumer.transfer.total_units),
            ]
        )
    costs = figures.consumers.values()
    per_event = [trimmed(sum(item.pages[size].total_units for item in costs) / size) for size in sizes]
    requests = sum(item.pages[sizes[-1]].total_requests for item in costs) / sizes[-1]
    page, transfer = (
        trimmed(sum(value))
        for value in zip(*((i.page.total_units, i.transfer.total_units) for i in costs), strict=True)
    )
    return table(head, [*rows, ["**all**", *per_event, f"{requests:.2f}", page, transfer]])


def _idle(figures: Figures) -> Iterable[list[str]]:
    upkeep = figures.upkeep
    poll = next(iter(figures.consumers.values())).idle
    consumers = len(figures.consumers)
    rows: dict[str, Cost] = {
        "one consumer on one range of a worker: a poll a second": poll * HOUR,
        "its lease, renewed every 10 s": upkeep["lease renewal"] * (HOUR / 10),
        "one worker: leases and generations, every 2 s": upkeep["worker's look at leases"] * (HOUR / 2),
        f"**a worker with all {consumers} consumers, one range**": (poll * HOUR + upkeep["lease renewal"] * (HOUR / 10))
        * consumers
        + upkeep["worker's look at leases"] * (HOUR / 2),
        "Functions: a visit a minute": upkeep["visit that finds nothing"] * TIMERS,
        "Functions: the watchdog, once a minute": upkeep["watchdog that finds nothing"] * TIMERS,
        "**Functions, all of it, one range**": (
            upkeep["visit that finds nothing"] + upkeep["watchdog that finds nothing"]
        )
        * TIMERS,
    }
    for name, cost in rows.items():
        yield [name, f"{cost.total_requests:,.0f}", f"{cost.total_units:,.0f}"]


def _bytes(figures: Figures) -> Iterable[list[str]]:
    names = {"account": "an account opened", "deposit": "a deposit", "transfer": "a transfer, all its events"}
    for name, stored in figures.bytes.items():
        yield [names[name], *(f"{stored[place]:,.0f}" for place in ("events", "views", "hub"))]


def _cpu(figures: Figures) -> Iterable[list[str]]:
    yield ["a command (deposit, warm), HTTP app", f"{figures.cpu['command']:,.0f}"]
    yield ["a query (account), HTTP app", f"{figures.cpu['query']:,.0f}"]
    yield ["a transfer, process", f"{figures.cpu['transfer']:,.0f}"]
    for name, consumer in figures.consumers.items():
        yield [f"{name}, per event", f"{consumer.cpu:,.0f}"]


def _heading(plan: Plan) -> str:
    return f"{plan.rate:,.0f}{', dev' if plan.installation.serverless else ''}"


def _sizes(plans: Sequence[Plan]) -> Iterable[list[str]]:
    def row(name: str, value: Callable[[Plan], str]) -> list[str]:
        return [name, *map(value, plans)]

    yield row("events a second", lambda plan: f"{plan.events:,.0f}")
    yield row("**RU a second**", lambda plan: f"**{plan.total_units:,.0f}**")
    for container in CONTAINERS:
        yield row(f"in {container}", lambda plan, name=container: f"{plan.units[name]:,.0f}")  # type: ignore[misc]
    for container in CONTAINERS:
        yield row(f"autoscale ceiling: {container}", lambda plan, name=container: _ceiling(plan, name))  # type: ignore[misc]
    for part in plans[0].spent:
        yield row(f"RU a command: {part}", lambda plan, name=part: f"{plan.spent[name] / plan.rate:.1f}")  # type: ignore[misc]
    yield row("physical partitions: events", lambda plan: f"{plan.partitions['events']:,}")
    yield row("physical partitions: views", lambda plan: f"{plan.partitions['views']:,}")
    yield row("the same after a year, by size: events", lambda plan: f"{plan.year_partitions['events']:,}")
    yield row("the same after a year, by size: views", lambda plan: f"{plan.year_partitions['views']:,}")
    yield row("RU/s in the partition of ledger-totals", lambda plan: f"{plan.totals_partition:,.0f}")
    yield row(
        "events in a page, pages a second", lambda plan: f"{plan.feed.events_in_page:.0f}, {plan.feed.pages:,.0f}"
    )
    yield row("MB/s to the hub", lambda plan: f"{plan.hub_mb:.3g}")
    yield row("throughput units", lambda plan: f"{plan.throughput_units:,}")
    for role in plans[0].instances:
        yield row(f"instances: {role}", lambda plan, name=role: f"{plan.instances[name]:,}")  # type: ignore[misc]
    yield row("storage a month adds", lambda plan: f"{plan.month_bytes / 1e9:,.0f} GB")
    yield row("**euros a month**", lambda plan: f"**{plan.total_cost:,.0f}**")


def _ceiling(plan: Plan, container: str) -> str:
    return f"{plan.ceilings[container]:,.0f}" if plan.ceilings else ""


def _costs(plans: Sequence[Plan]) -> Iterable[list[str]]:
    for part in plans[0].cost:
        yield [part, *(f"{plan.per_million(plan.cost[part]):.2f}" for plan in plans)]
    yield ["**all**", *(f"**{plan.per_million(plan.total_cost):.2f}**" for plan in plans)]


def _levers(figures: Figures, given: Assumptions) -> Iterable[list[str]]:
    slower = replace(given, page_seconds=1.0)
    known = replace(given, warm=given.warm + given.cold, cold=0)
    for name, changed, grown in (
        ("as it is", given, False),
        ("with a page a second at most", slower, False),
        ("with every account known to the process", known, False),
        ("with the partitions of a year's events", given, True),
        ("with these, and a page a second at most", slower, True),
    ):
        model = Model(figures, changed)
        plans = [model.plan(rate, installation) for rate, installation in COLUMNS]
        if grown:
            plans = [model.plan(plan.rate, plan.installation, ranges=plan.year_partitions["events"]) for plan in plans]
        yield [name, *(f"{plan.total_units / plan.rate:.1f}" for plan in plans)]


def _settings(given: Assumptions, wanted: Callable[[str], bool]) -> Iterable[list[str]]:
    for name, value, unit, source in given.described():
        if wanted(source):
            number = f"{value:,.6f}".rstrip("0").rstrip(".")
            yield [f"`{name}`", number, unit, *([source] if source else [])]
