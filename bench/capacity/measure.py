"""Measures bench/capacity/figures.json: the real code on the local Cosmos DB, its requests counted, its charges booked.

Requests, request units and bytes are the same in every run: one thread, clocks that stand still, no retries. The
processor times are those of this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.capacity.commands import ROUNDS, measure_command_cpu, measure_commands, measure_queries
from bench.capacity.figures import ConsumerFigures, Cost, Figures
from bench.capacity.ledger import DATABASE, SETTINGS, STANDSTILL, Ledger
from localazure.cosmos import LocalCosmos
from projectors.generations.registry import PARTITION
from projectors.ledger import VIEWS
from projectors.ledger.processes import TRANSFERS
from projectors.processor.assignment import Assignment
from projectors.processor.worker import Worker
from projectors.relay import RELAY

CONTAINERS = ("events", "snapshots", "views")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: deposits in a page, transfers at once, calls whose processor time is taken."""

    pages: Sequence[int] = (1, 10, 100)
    transfers: int = 20
    calls: int = 200


def measure(sizes: Sizes | None = None) -> Figures:
    """All figures; less than a minute in full size."""
    sizes = sizes or Sizes()
    with LocalCosmos() as cosmos:
        ledger = Ledger(cosmos)
        work = Consumers(ledger, sizes)
        consumers = work.figures()
        commands = measure_commands(ledger)
        ledger.catch_up()
        return Figures(
            commands=_rounded(commands),
            queries=_rounded(measure_queries(ledger)),
            consumers=consumers,
            upkeep=_rounded(measure_upkeep(ledger)),
            bytes=work.bytes,
            cpu=measure_command_cpu(ledger, sizes.calls) | {"transfer": work.transfer_cpu},
            events_per_transfer=work.events_per_transfer,
        )


def _rounded(costs: Mapping[str, Cost]) -> dict[str, Cost]:
    return {name: cost.rounded() for name, cost in costs.items()}


class Consumers:
    """What the consumers of the feed do for pages of deposits and for transfers, and what all of it leaves behind."""

    def __init__(self, ledger: Ledger, sizes: Sizes) -> None:
        self._ledger = ledger
        self._sizes = sizes
        self._api = ledger.api()
        count = max(*sizes.pages, 2 * sizes.transfers)
        self._accounts = [f"customer-{number:012d}" for number in range(count)]
        self.bytes: dict[str, dict[str, float]] = {}
        self.events_per_transfer = 0.0
        self.transfer_cpu = 0.0

    def figures(self) -> dict[str, ConsumerFigures]:
        """By consumer. Afterwards there are `bytes` by what was done, and what is special about transfers."""
        self._store("account", len(self._accounts), self._open)
        pages = {size: self._page(size) for size in self._sizes.pages}
        fresh = {size: self._page(size, fresh=True) for size in self._sizes.pages}
        cpu = self._cpu()
        idle = {name: self._ledger.cost(position.step) for name, position in self._ledger.positions.items()}
        found = {
            name: ConsumerFigures(
                pages={size: costs[name].rounded() for size, costs in pages.items()},
                fresh={size: costs[name].rounded() for size, costs in fresh.items()},
                transfer=Cost(),
                idle=idle[name].rounded(),
                cpu=cpu[name],
            )
            for name in idle
        }
        self._store("deposit", self._sizes.pages[-1], lambda: self._deposit(self._sizes.pages[-1]))
        self._transfer(found)
        self._api.close()
        return found

    def _open(self) -> None:
        for account in self._accounts:
            body = {"account_id": account, "asset": "EUR/2", "owner": f"subject-of-{account}"}
            self._ledger.accept(self._api, "/accounts", body)
        self._ledger.catch_up()

    def _deposit(self, count: int) -> None:
        for account in self._accounts[:count]:
            self._ledger.deposit(self._api, account)

    def _page(self, size: int, *, fresh: bool = False) -> dict[str, Cost]:
        """The cost of one page by consumer; `fresh` for a worker that has just begun."""
        self._deposit(size)
        costs = {}
        for name, position in self._ledger.positions.items():
            if fresh:
                position.restart()
            costs[name] = self._ledger.cost(position.page)
            position.catch_up()
        return costs

    def _cpu(self) -> dict[str, float]:
        """Microseconds per event, in pages of the largest size: the best of a few, for others use the machine too."""
        size = self._sizes.pages[-1]
        best = dict.fromkeys(self._ledger.positions, float("inf"))
        for _ in range(ROUNDS):
            self._deposit(size)
            for name, position in self._ledger.positions.items():
                best[name] = min(best[name], self._ledger.cpu(position.page) / size)
        return {name: round(value) for name, value in best.items()}

    def _transfer(self, found: dict[str, ConsumerFigures]) -> None:
        """Adds the work of a transfer to `found`. The process meets each account anew."""
        count = self._sizes.transfers
        before = self._ledger.count_events()

        def work() -> None:
            for number in range(count):
                source, target = self._accounts[2 * number], self._accounts[2 * number + 1]
                body = {
                    "source": source,
                    "target": target,
                    "asset": "EUR/2",
                    "amount": 100,
                    "reference": "invoice 4711",
                }
                self._ledger.accept(self._api, "/transfers", body)
            for name in sorted(found, key=lambda name: name != TRANSFERS):  # first what makes the other events
                found[name] = self._with_transfers(found[name], name, count)

        self._store("transfer", count, work)
        self.events_per_transfer = (self._ledger.count_events() - before) / count

    def _with_transfers(self, figures: ConsumerFigures, name: str, count: int) -> ConsumerFigures:
        position = self._ledger.positions[name]
        pages, cpu = 0, 0.0

        def catch_up() -> None:
            nonlocal pages
            pages = position.catch_up()

        def work() -> None:
            nonlocal cpu
            cpu = self._ledger.cpu(catch_up)

        spent = self._ledger.cost(work) - figures.idle - figures.page * pages
        if name == TRANSFERS:
            self.transfer_cpu = round(cpu / count)
        return replace(figures, transfer=(spent * (1 / count)).rounded())

    def _store(self, name: str, count: int, work: Callable[[], None]) -> None:
        """Books the bytes that the work adds to each container and to the hub, for each of `count`."""
        self._ledger.catch_up()
        before = self._stored()
        work()
        self._ledger.catch_up()
        self.bytes[name] = {place: round((size - before[place]) / count) for place, size in self._stored().items()}

    def _stored(self) -> dict[str, int]:
        return {container: self._ledger.bytes(container) for container in CONTAINERS} | {
            "hub": self._ledger.producer.bytes
        }


def measure_upkeep(ledger: Ledger) -> dict[str, Cost]:
    """What a worker spends on looking around, whatever there is to do."""
    first = next(iter(ledger.positions.values()))
    costs = {"lease renewal": ledger.cost(first.renew), "registry read": ledger.cost(lambda: _registry(ledger))}
    for position in ledger.positions.values():
        position.release()
    consumers = [ledger.processes.consumer, *(item for item in ledger.consumers() if item.name == RELAY)]
    roster = Assignment(
        ledger.stores, consumers, list(VIEWS.values()), settings=SETTINGS, executor=None, clock=STANDSTILL
    )
    roster.refresh(alone=True)
    costs["worker's look at leases"] = ledger.cost(lambda: roster.refresh(alone=True))
    for runner in roster.runners:
        roster.remove(runner, release=True)
    worker = Worker(ledger.client, DATABASE, consumers, settings=SETTINGS, clock=STANDSTILL, views=VIEWS.values())
    costs["visit that finds nothing"] = ledger.cost(lambda: worker.run_until_idle(60))
    costs["watchdog that finds nothing"] = ledger.cost(ledger.processes.watchdog.visit)
    return costs


def _registry(ledger: Ledger) -> None:
    ledger.stores.views.read("account-summary", PARTITION)
