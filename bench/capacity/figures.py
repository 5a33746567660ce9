"""What one piece of work costs, as measured: bench/capacity/figures.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

PATH = Path(__file__).parent / "figures.json"


@dataclass(frozen=True, slots=True)
class Cost:
    """Requests and request units, by container."""

    requests: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, float] = field(default_factory=dict)

    @property
    def total_requests(self) -> float:
        return sum(self.requests.values())

    @property
    def total_units(self) -> float:
        return sum(self.units.values())

    def in_container(self, container: str) -> float:
        """Request units of one container."""
        return self.units.get(container, 0.0)

    def __add__(self, other: Cost) -> Cost:
        return Cost(_sum(self.requests, other.requests), _sum(self.units, other.units))

    def __sub__(self, other: Cost) -> Cost:
        return self + other * -1

    def __mul__(self, times: float) -> Cost:
        return Cost(
            {name: value * times for name, value in self.requests.items()},
            {name: value * times for name, value in self.units.items()},
        )

    def rounded(self) -> Cost:
        return Cost(
            {name: round(value, 3) for name, value in sorted(self.requests.items())},
            {name: round(value, 2) for name, value in sorted(self.units.items())},
        )


def _sum(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {name: first.get(name, 0.0) + second.get(name, 0.0) for name in {*first, *second}}


@dataclass(frozen=True, slots=True)
class ConsumerFigures:
    """What a consumer spends on one range of the feed.

    `pages` are whole pages by the number of deposits in them, each on an account of its own, guards remembered;
    `fresh` the same for a worker that remembers nothing. `transfer` is all the work that one transfer makes, beyond
    that of its pages; `idle` a poll that finds nothing. `cpu` is microseconds of processor time per event.
    """

    pages: Mapping[int, Cost]
    fresh: Mapping[int, Cost]
    transfer: Cost
    idle: Cost
    cpu: float

    @property
    def event(self) -> Cost:
        """What one more deposit adds to a page."""
        least, most = min(self.pages), max(self.pages)
        return (self.pages[most] - self.pages[least]) * (1 / (most - least))

    @property
    def page(self) -> Cost:
        """What a page costs beside its events: reading it, keeping the lease, writing the position."""
        least = min(self.pages)
        return self.pages[least] - self.event * least


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything measured. Bytes are of stored documents by container, of the relayed event under "hub"."""

    commands: Mapping[str, Cost]
    queries: Mapping[str, Cost]
    consumers: Mapping[str, ConsumerFigures]
    upkeep: Mapping[str, Cost]
    bytes: Mapping[str, Mapping[str, float]]
    cpu: Mapping[str, float]
    events_per_transfer: float

    def save(self, path: Path) -> None:
        options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
        path.write_bytes(orjson.dumps(asdict(self), option=options))

    @classmethod
    def load(cls, path: Path = PATH) -> Figures:
        """Raises FileNotFoundError before the first `python -m bench.capacity --measure`."""
        stored: dict[str, Any] = orjson.loads(path.read_bytes())
        return cls(
            commands=_costs(stored["commands"]),
            queries=_costs(stored["queries"]),
            consumers={name: _consumer(value) for name, value in stored["consumers"].items()},
            upkeep=_costs(stored["upkeep"]),
            bytes=stored["bytes"],
            cpu=stored["cpu"],
            events_per_transfer=stored["events_per_transfer"],
        )


def _costs(stored: Mapping[str, Any]) -> dict[str, Cost]:
    return {name: Cost(**value) for name, value in stored.items()}


def _pages(stored: Mapping[str, Any]) -> dict[int, Cost]:
    return {int(size): Cost(**value) for size, value in sorted(stored.items(), key=lambda item: int(item[0]))}


def _consumer(stored: Mapping[str, Any]) -> ConsumerFigures:
    return ConsumerFigures(
        pages=_pages(stored["pages"]),
        fresh=_pages(stored["fresh"]),
        transfer=Cost(**stored["transfer"]),
        idle=Cost(**stored["idle"]),
        cpu=stored["cpu"],
    )
