"""How fast a view is rebuilt, against reading the same feed with the bare SDK.

    python -m bench.replay.rebuild [--events 200000] [--accounts 2000] [--rounds 5] [--views account-summary statement]

In process, one thread of work. Every round drains the feed with the SDK, which decodes the JSON of every page and keeps
nothing, and then rebuilds the view; rates are the best of the rounds, by processor time of the whole process (the local
server included on both sides) and by wall clock. A rebuild is timed from its call until it has caught up, its lock,
registry and checkpoints included; what follows, the comparison of all items with the generation that serves and the
switch, is a column of its own. Writes are documents in transactional batches per item of the view.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
from azure.cosmos import ContainerProxy, CosmosClient

from bench.projectors.log import DATABASE, Log
from eventstore.cosmos.containers import create_containers
from localazure.cosmos import LocalCosmos, RequestInfo
from projectors.ledger import VIEWS
from projectors.processor.worker import Worker
from projectors.settings import WorkerSettings
from replay.rebuild.progress import Phase, Progress
from replay.rebuild.rebuild import rebuild

PAGE = 1000
MIN_SHARE = 0.5
MAX_WRITES = 1.1
ALONE = WorkerSettings(parallel=0, page=PAGE)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Of the processor and of the wall clock."""

    processor: float
    wall: float

    @classmethod
    def now(cls) -> Seconds:
        return cls(time.process_time(), time.perf_counter())

    def since(self, began: Seconds) -> Seconds:
        return Seconds(self.processor - began.processor, self.wall - began.wall)


@dataclass(frozen=True, slots=True)
class Round:
    """What one rebuild took: `built` until it had caught up, `compared` from there to its end."""

    built: Seconds
    compared: Seconds
    items: int
    request_units: float

    @property
    def whole(self) -> Seconds:
        return Seconds(self.built.processor + self.compared.processor, self.built.wall + self.compared.wall)


def best(found: list[Seconds]) -> Seconds:
    """The least of either clock."""
    return Seconds(min(one.processor for one in found), min(one.wall for one in found))


def drain(container: ContainerProxy) -> Seconds:
    """Reading and decoding alone."""
    began = Seconds.now()
    for page in container.query_items_change_feed(start_time="Beginning", max_item_count=PAGE).by_page():
        list(page)
    return Seconds.now().since(began)


def build(client: CosmosClient, view: str) -> Round:
    caught_up: list[Seconds] = []

    def note(progress: Progress) -> None:
        if progress.phase is Phase.COMPARING:
            caught_up.append(Seconds.now())

    began = Seconds.now()
    built = rebuild(client, DATABASE, VIEWS[view], settings=ALONE, progress=note)
    (middle,) = caught_up
    return Round(middle.since(began), Seconds.now().since(middle), built.comparison.items, built.progress.request_units)


def documents_written(cosmos: LocalCosmos, work: Callable[[], object]) -> int:
    """How many operations the batches on the views had while `work` ran."""
    count = 0

    def watch(info: RequestInfo, phase: str) -> None:
        nonlocal count
        if phase == "after" and (info.operation, info.container) == ("batch", "views"):
            count += len(orjson.loads(info.body))

    stop = cosmos.faults.on_request(watch)
    try:
        work()
    finally:
        stop()
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--accounts", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--views", nargs="+", default=["account-summary", "ledger-totals"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, LocalCosmos(Path(folder) / "cosmos.db") as cosmos:
        client = cosmos.client(no_response_on_write=True, consistency_level="Eventual")
        create_containers(client, DATABASE, VIEWS.indexed)
        container = client.get_database_client(DATABASE).get_container_client("events")
        log = Log(container, arguments.accounts)
        log.grow(arguments.events - arguments.accounts)
        print(f"{log.size:,} events on {arguments.accounts:,} accounts, best of {arguments.rounds} rounds\n")
        print("| view | | bare drain | rebuild | share | comparing and switching |")
        print("|---|---|---:|---:|---:|---:|")
        notes = []
        for view in arguments.views:
            Worker(client, DATABASE, only=[view], settings=ALONE, views=VIEWS.values()).run_until_idle(3600)
            drained: list[Seconds] = []
            rounds: list[Round] = []
            for _ in range(arguments.rounds):
                drained.append(drain(container))
                rounds.append(build(client, view))
            floor, built = best(drained), best([one.built for one in rounds])
            compared = best([one.compared for one in rounds])
            for clock in ("processor", "wall"):
                bare, ours, after = (getattr(one, clock) for one in (floor, built, compared))
                print(
                    f"| {view} | {clock} | {log.size / bare:,.0f}/s | {log.size / ours:,.0f}/s | {bare / ours:.2f} | "
                    f"{after:.2f} s |"
                )
            items = max(1, rounds[-1].items)
            written = documents_written(cosmos, lambda view=view: build(client, view))  # type: ignore[misc]
            notes.append(
                f"{view}: {written:,} documents written for {items:,} items, {written / items:.2f} each; "
                f"{rounds[-1].request_units / log.size:.2f} RU per event"
            )
        print("\n" + "\n".join(notes))
        print(f"\nWanted: a share of at least {MIN_SHARE}, at most {MAX_WRITES} documents written per item.")


if __name__ == "__main__":
    main()
