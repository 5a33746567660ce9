"""The two installations that infra/terraform describes, as far as they cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.capacity.settings import Assumptions

_ENVS = Path(__file__).parents[2] / "infra" / "terraform" / "envs"
CONTAINERS = ("events", "snapshots", "views", "leases", "keys")
TRIGGER_LEASES = "trigger-leases"


@dataclass(frozen=True, slots=True)
class Installation:
    """`ceilings` are RU/s by container, empty when serverless; the others are least numbers.

    `gateway_units` is 0 for a gateway that is paid by calls. `instances` are those of commands, and of queries.
    """

    serverless: bool
    ceilings: Mapping[str, float]
    instance_gb: float
    instances: int
    gateway_units: int
    throughput_units: int

    def regions(self, given: Assumptions) -> float:
        return 1 if self.serverless else given.regions

    def raised(self, units: Mapping[str, float], given: Assumptions) -> dict[str, float]:
        """The ceilings that so many RU/s need: those there are, or higher ones in thousands."""
        if self.serverless:
            return {}
        needed = {name: float(-(-value // (given.busy * 1000)) * 1000) for name, value in units.items()}
        return {name: max(ceiling, needed.get(name, 0.0)) for name, ceiling in self.ceilings.items()}

    def billed(self, units: Mapping[str, float], given: Assumptions) -> float:
        """RU/s that autoscale bills: what is used, but a tenth of each ceiling at least, in hundreds."""
        used = {name: max(units.get(name, 0.0), ceiling / 10) for name, ceiling in self.raised(units, given).items()}
        return sum(-(-value // 100) * 100 for value in used.values())


def dev() -> Installation:
    """envs/dev.tfvars, with a hub of one throughput unit."""
    return Installation(True, {}, instance_gb=0.5, instances=0, gateway_units=0, throughput_units=1)


def prod() -> Installation:
    """envs/prod.tfvars as it is. Raises ValueError when it does not say what is asked."""
    text = (_ENVS / "prod.tfvars").read_text()
    block = _found(r"max_throughput\s*=\s*\{(.*?)\}", text)
    ceilings = {name: float(value) for name, value in re.findall(r"([\w-]+)\s*=\s*(\d+)", block)}
    return Installation(
        serverless=False,
        ceilings={name: ceilings[name] for name in (*CONTAINERS, TRIGGER_LEASES)},
        instance_gb=int(_found(r"instance_memory_in_mb\s*=\s*(\d+)", text)) / 1024,
        instances=int(_found(r"always_ready_http\s*=\s*(\d+)", text)),
        gateway_units=int(_found(r'sku_name\s*=\s*"StandardV2_(\d+)"', text)),
        throughput_units=int(_found(r"capacity\s*=\s*(\d+)", text)),
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.DOTALL)
    if match is None:
        raise ValueError(f"prod.tfvars has nothing like {pattern}")
    return match[1]
