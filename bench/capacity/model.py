"""From what single pieces of work cost to what an installation needs at a rate of commands.

Consumers read pages. What a page costs beside its events (reading it, the lease, the position) is paid per page, so it
matters how many pages there are a second: a consumer reads on as soon as its last page is done, and a page takes its
requests one after the other, longer the busier its worker is. One Functions instance visits all consumers and ranges
one after the other; where that does not suffice, workers (`tidemark work`) with a thread per range are reckoned with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bench.capacity.costs import MONTH, monthly
from bench.capacity.figures import Cost, Figures
from bench.capacity.installation import CONTAINERS, Installation
from bench.capacity.settings import Assumptions

REGISTRY_READS = 2.0
"""Per second, of each queries instance and view in use (`ViewReader(follow_seconds=0.5)`)."""
RANGES = "events"
"""The container whose physical partitions are the ranges of the feed."""


@dataclass(frozen=True, slots=True)
class Feed:
    """How the consumers keep up: `ranges` of the feed, `pages` per second of one consumer over all of them."""

    ranges: int
    visiting: bool
    workers: int
    pages: float
    events_in_page: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rate of commands needs. Rates are per second, `units` and `spent` request units per second."""

    rate: float
    installation: Installation
    events: float
    units: Mapping[str, float]
    spent: Mapping[str, float]
    partitions: Mapping[str, int]
    feed: Feed
    hub_mb: float
    throughput_units: int
    instances: Mapping[str, int]
    month_bytes: float
    cost: Mapping[str, float]
    """Euros per month, by part."""
    ceilings: Mapping[str, float]
    """What autoscale has to be allowed, RU/s by container."""
    year_partitions: Mapping[str, int]
    """Physical partitions that the documents of a year fill, of events and of views."""
    totals_partition: float
    """RU/s in the one logical partition of ledger-totals."""

    @property
    def total_units(self) -> float:
        return sum(self.units.values())

    @property
    def total_cost(self) -> float:
        return sum(self.cost.values())

    def per_million(self, euros: float) -> float:
        """Of a monthly sum, the part of a million commands."""
        return euros / (self.rate * MONTH / 1e6)


@dataclass(frozen=True, slots=True)
class Model:
    figures: Figures
    given: Assumptions

    def plan(self, rate: float, installation: Installation, *, ranges: int = 1) -> Plan:
        """For a steady `rate` of commands per second.

        `ranges` are physical partitions of the log that are there in any case, for its size.
        """
        given, figures, serverless = self.given, self.figures, installation.serverless
        while True:
            feed = self._feed(rate, ranges)
            instances = self._instances(rate, feed, installation)
            spent = self._spent(rate, feed, instances)
            units = {name: sum(cost.in_container(name) for cost in spent.values()) for name in CONTAINERS}
            partitions = {
                name: max(1, math.ceil(value / given.partition_units / given.busy)) for name, value in units.items()
            }
            if serverless or partitions[RANGES] <= ranges:
                break
            ranges = partitions[RANGES]
        hub_mb = rate * self._mixed_bytes("hub") / 1e6
        events = rate * self.events_per_command
        out = hub_mb * given.consumer_groups / (2 * given.unit_mb)
        throughput_units = max(
            installation.throughput_units, math.ceil(max(hub_mb / given.unit_mb, events / given.unit_events, out))
        )
        stored = {
            name: rate * MONTH * self._mixed_bytes(name) * (1 + given.index_overhead) for name in ("events", "views")
        }
        month_bytes = sum(stored.values())
        totals = figures.consumers["ledger-totals@1"].page.in_container("views")
        return Plan(
            rate=rate,
            installation=installation,
            events=events,
            units=units,
            spent={name: cost.total_units for name, cost in spent.items()},
            partitions=dict.fromkeys(CONTAINERS, 1) if serverless else partitions,
            feed=feed,
            hub_mb=hub_mb,
            throughput_units=throughput_units,
            instances=instances,
            month_bytes=month_bytes,
            cost=monthly(
                given,
                installation,
                rate=rate,
                events=events,
                units=units,
                instances=sum(instances.values()),
                throughput_units=throughput_units,
                month_bytes=month_bytes,
            ),
            ceilings=installation.raised(units, given),
            year_partitions={name: math.ceil(12 * size / 1e9 / given.partition_gb) for name, size in stored.items()},
            totals_partition=totals * feed.pages,
        )

    @property
    def events_per_command(self) -> float:
        given = self.given
        return given.warm + given.cold + given.transfers * self.figures.events_per_transfer

    @property
    def events_per_visitor(self) -> float:
        """Events per second at which one visiting instance is busy all the time."""
        return self.events_per_command / max(self._requests_busy(), self._cores_busy())

    @property
    def command(self) -> Cost:
        """The mean command, without what follows it."""
        given, known = self.given, self.figures.commands
        shares = {
            "deposit, warm": given.warm,
            "deposit, cold": given.cold,
            "withdrawal refused, warm": given.refused,
            "deposit repeated, another process": given.repeated,
            "transfer requested": given.transfers,
        }
        return sum((known[name] * share for name, share in shares.items()), Cost())

    def _feed(self, rate: float, ranges: int) -> Feed:
        given, consumers = self.given, self.figures.consumers.values()
        busy = rate * max(self._requests_busy(), self._cores_busy())
        visiting = busy <= given.busy
        workers = max(1, math.ceil(busy / given.busy))
        per_page = sum(consumer.page.total_requests for consumer in consumers)
        # A visit leaves a range only when a poll finds nothing more.
        in_turn = (per_page + len(consumers)) * ranges if visiting else per_page / len(consumers)
        seconds = max(in_turn * given.request_seconds / (1 - busy / workers), given.page_seconds)
        events = rate * self.events_per_command
        pages = min(ranges / seconds, events)
        return Feed(ranges, visiting, workers, pages, events / pages)

    def _requests_busy(self) -> float:
        """Seconds of a worker's requests, side by side as it sends them, for one command."""
        requests = sum(
            consumer.event.total_requests * (self.given.warm + self.given.cold)
            + consumer.transfer.total_requests * self.given.transfers
            for consumer in self.figures.consumers.values()
        )
        return requests * self.given.request_seconds / self.given.parallel

    def _cores_busy(self) -> float:
        """Seconds of a worker's core for one command."""
        each = sum(consumer.cpu for consumer in self.figures.consumers.values()) * self.events_per_command
        return (each + self.figures.cpu["transfer"] * self.given.transfers) / 1e6

    def _instances(self, rate: float, feed: Feed, installation: Installation) -> dict[str, int]:
        given, cpu = self.given, self.figures.cpu
        cores = installation.instance_gb / given.gb_per_core
        per_core = given.host_factor / 1e6 / given.busy / cores
        queries = rate * (given.account_queries + given.statement_queries)
        return {
            "commands": max(installation.instances, math.ceil(rate * cpu["command"] * per_core)),
            "queries": max(installation.instances, math.ceil(queries * cpu["query"] * per_core)),
            "projectors": feed.workers,
        }

    def _spent(self, rate: float, feed: Feed, instances: Mapping[str, int]) -> dict[str, Cost]:
        given, figures = self.given, self.figures
        deposits, transfers = rate * (given.warm + given.cold), rate * given.transfers
        views, others = Cost(), Cost()
        for name, consumer in figures.consumers.items():
            work = consumer.event * deposits + consumer.transfer * transfers
            if "@" in name:
                views = views + work
            else:
                others = others + work
        looks = figures.upkeep["worker's look at leases"] * (0.5 * feed.workers)
        pages = sum((consumer.page for consumer in figures.consumers.values()), Cost()) * feed.pages
        if feed.visiting:
            pages = pages + sum((consumer.idle for consumer in figures.consumers.values()), Cost()) * feed.pages
        queries = (
            figures.queries["account"] * (rate * given.account_queries)
            + figures.queries["statement, page of 50"] * (rate * given.statement_queries)
            + figures.upkeep["registry read"] * (2 * REGISTRY_READS * instances["queries"])
        )
        return {
            "commands": self.command * rate,
            "transfer process, relay": others,
            "views": views,
            "pages and leases": pages + looks,
            "queries": queries,
        }

    def _mixed_bytes(self, place: str) -> float:
        given, stored = self.given, self.figures.bytes
        return stored["deposit"][place] * (given.warm + given.cold) + stored["transfer"][place] * given.transfers
