"""What the local Cosmos DB server adds to the SDK's own work, and how it holds up as a container grows.

    python -m bench.servers.cosmos [--items 1000000]

Every ratio comes from one run on one machine, and every time is processor time, so that what else the machine does
matters little. The floor of an operation is the same SDK call against a transport that answers at once with a recorded
answer. Floor and server, and a small and a grown container, take turns in short rounds. Two ratios are given: that of
the best rounds, and the median over the pairs of neighbouring rounds; on a quiet machine they agree.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from azure.core.pipeline.transport import HttpRequest, HttpResponse
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey

from localazure.cosmos import LocalCosmos
from localazure.cosmos.transport import InProcessTransport

ROUNDS = 150
CALLS = 30
BATCH = 100
MAX_OVERHEAD = 1.30
MAX_GROWTH = 1.30
MIN_DRAIN = 70_000
STREAM = 40
SMALL = 1_000
QUERIES = 2_000


class Recorded(InProcessTransport):
    """Passes requests on until `freeze`, then repeats the last answer without looking at the request."""

    _frozen: HttpResponse | None = None

    def send(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Answer one request."""
        if self._frozen is not None:
            return self._frozen
        self.last = super().send(request, **kwargs)
        return self.last

    def freeze(self) -> None:
        """From now on repeat the last answer."""
        self._frozen = self.last


def item(number: int, stream: str) -> dict[str, Any]:
    """An item of about 200 bytes."""
    return {"id": f"{number:010d}", "pk": stream, "amount": number, "text": "x" * 120}


def floor_of(cosmos: LocalCosmos, call: Callable[[ContainerProxy], None]) -> Callable[[], None]:
    """The same call against a recorded answer."""
    transport = Recorded(cosmos.exchange)
    client = CosmosClient(cosmos.endpoint, cosmos.key, transport=transport)
    container = client.get_database_client("bench").get_container_client("points")
    for _ in range(3):
        call(container)
    transport.freeze()
    return lambda: call(container)


def seconds(call: Callable[[], None]) -> float:
    """Seconds of processor time per call: what other processes on the machine do is not in it."""
    started = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - started) / CALLS


def overhead(cosmos: LocalCosmos, call: Callable[[ContainerProxy], None]) -> str:
    """Microseconds of the floor, and how many times as long the server takes: at its best, and as a rule."""
    container = cosmos.client().get_database_client("bench").get_container_client("points")
    frozen = floor_of(cosmos, call)
    pairs = [(seconds(frozen), seconds(lambda: call(container))) for _ in range(ROUNDS)]
    floor = min(low for low, _ in pairs)
    best, usual = min(high for _, high in pairs) / floor, statistics.median(high / low for low, high in pairs)
    return f"{floor * 1e6:.0f} us floor, x {best:.2f} ({usual:.2f})"


def counter() -> Iterator[int]:
    """Numbers that never repeat."""
    number = 0
    while True:
        number += 1
        yield number


def fill(container: ContainerProxy, first: int, last: int) -> None:
    """Write items `[first, last)` in batches, STREAM to a logical partition."""
    for start in range(first, last, STREAM):
        stream = f"stream-{start // STREAM}"
        operations = [("create", (item(number, stream),)) for number in range(start, min(start + STREAM, last))]
        container.execute_item_batch(operations, stream)


def query(container: ContainerProxy, stream: str) -> float:
    """Seconds of processor time of a query for the 40 items of one stream."""
    started = time.process_time()
    rows = list(container.query_items("SELECT * FROM c WHERE c.amount >= 0", partition_key=stream))
    if len(rows) != STREAM:
        raise RuntimeError(f"{stream} has {len(rows)} items instead of {STREAM}.")
    return time.process_time() - started


def slowdown(small: ContainerProxy, grown: ContainerProxy, streams: int) -> tuple[float, float]:
    """How many times as long a query takes in the grown container: at its best, and as a rule. They take turns."""
    pairs = [
        (
            query(small, f"stream-{number % (SMALL // STREAM)}"),
            query(grown, f"stream-{number * 7919 % streams}"),
        )
        for number in range(QUERIES)
    ]
    best = min(late for _, late in pairs) / min(early for early, _ in pairs)
    return best, statistics.median(late / early for early, late in pairs)


def drain(container: ContainerProxy) -> tuple[int, float]:
    """Items of the whole change feed, and items per second of processor time."""
    feed_range = next(iter(container.read_feed_ranges()))
    started = time.process_time()
    count = sum(
        1 for _ in container.query_items_change_feed(feed_range=feed_range, start_time="Beginning", max_item_count=1000)
    )
    return count, count / (time.process_time() - started)


def resident_megabytes() -> float:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@contextmanager
def on_disk() -> Iterator[ContainerProxy]:
    """An empty container of a server of its own, in a file."""
    with tempfile.TemporaryDirectory() as folder, LocalCosmos(Path(folder)) as cosmos:
        yield cosmos.client().create_database("bench").create_container("grown", PartitionKey(path="/pk"))


@contextmanager
def points() -> Iterator[LocalCosmos]:
    """An account in memory, with one item."""
    with LocalCosmos() as cosmos:
        container = cosmos.client().create_database("bench").create_container("points", PartitionKey(path="/pk"))
        container.create_item(item(0, "read"))
        yield cosmos


Line = tuple[str, str, str]


def overheads() -> Iterator[Line]:
    """What the server adds per operation, in memory."""
    numbers = counter()
    operations: dict[str, Callable[[ContainerProxy], None]] = {
        "create": lambda c: void(c.create_item(item(next(numbers), "s"))),
        "point read": lambda c: void(c.read_item("0000000000", "read")),
        "batch of 10": lambda c: void(
            c.execute_item_batch([("create", (item(n, "s"),)) for n in islice(numbers, 10)], "s")
        ),
    }
    with points() as cosmos:
        for name, call in operations.items():
            yield name, overhead(cosmos, call), f"x {MAX_OVERHEAD:.2f} at most"
    with points() as cosmos:
        cosmos._store.write = void
        for name in ("create", "batch of 10"):
            yield f"{name}, nothing stored", overhead(cosmos, operations[name]), "none; what SQLite's part is"


def growth(total: int) -> Iterator[Line]:
    """How a container on disk behaves as it grows to `total` items."""
    with ExitStack() as stack:
        small, grown = (stack.enter_context(on_disk()) for _ in range(2))
        fill(small, 0, SMALL)
        fill(grown, 0, 20_000)
        before = resident_megabytes()
        fill(grown, 20_000, total)
        best, usual = slowdown(small, grown, total // STREAM)
        ratio = f"x {best:.2f} ({usual:.2f})"
        yield f"query of {STREAM}, {SMALL} to {total} items", ratio, f"x {MAX_GROWTH:.2f} at most"
        count, rate = drain(grown)
        yield f"change feed, {count} items", f"{rate:,.0f} items/s", f"{MIN_DRAIN:,} at least"
        memory = f"{before:.0f} to {resident_megabytes():.0f} MB"
        yield "memory while written and drained", memory, "flat, but for a page cache of 64 MB"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    total: int = parser.parse_args().items
    for name, value, goal in (*overheads(), *growth(total)):
        print(f"{name:40} {value:28} goal: {goal}")


def void(*_: object) -> Any:
    """Drop an answer, or a statement."""


if __name__ == "__main__":
    main()
