"""What the model of capacity assumes and cannot measure: load, prices, limits of Azure. Every value can be set.

    python -m bench.capacity --set eur_per_usd=0.95 --set transfers=0.5

Prices are list prices in US dollars, without grants, reservations or agreements; other regions differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

_LIMITS = "https://learn.microsoft.com/azure/cosmos-db/concepts-limits"
_SERVERLESS = "https://learn.microsoft.com/azure/cosmos-db/serverless-performance"
_BILL = "https://learn.microsoft.com/azure/cosmos-db/understand-your-bill (examples dated March 2022)"
_AUTOSCALE = "https://cloud-horizons.com/blog/cosmos-db-the-rus-vs-storage-tradeoff/ (May 2026)"
_HUBS = "https://azure.microsoft.com/pricing/details/event-hubs/, quoted at second hand in 2026: check"
_HUB_LIMITS = "https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas"
_FLEX = "https://modal.com/blog/azure-function-pricing-guide (May 2025), East US"
_GATEWAY = "https://microsoftnegotiations.com/blog/azure-api-management-licensing (2026)"
_LOGS = "https://monitoringcost.com/azure-monitor-cost (2026)"


def _setting(value: float, unit: str, source: str) -> Any:
    return field(default=value, metadata={"unit": unit, "source": source})


def _load(value: float, unit: str) -> Any:
    return _setting(value, unit, "")


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Shares of commands add up to 1; a transfer is one command, whatever it sets going."""

    warm: float = _load(0.70, "of commands are deposits or the like on an account that the process knows")
    cold: float = _load(0.15, "of commands are on one that it does not know")
    refused: float = _load(0.03, "of commands are refused by a rule")
    repeated: float = _load(0.02, "of commands are repeated")
    transfers: float = _load(0.10, "of commands are transfers")
    account_queries: float = _load(1.0, "queries of an account per command")
    statement_queries: float = _load(0.2, "queries of a page of 50 entries per command")
    consumer_groups: float = _load(2, "readers of the hub")
    request_ms: float = _load(10, "ms for one request to Cosmos DB")
    parallel: float = _load(8, "requests at a time of a worker, WORKER_PARALLEL")
    page_seconds: float = _load(0, "seconds at least from page to page of a consumer and range; workers wait for none")
    busy: float = _load(0.6, "of an instance's core and of a partition's request units that may be used")
    host_factor: float = _load(2.0, "times the app's own processor time: Functions host, its channel to Python, TLS")
    regions: float = _load(2, "regions of the autoscale account")
    index_overhead: float = _load(0.2, "of a document's bytes are added by its index")
    telemetry_bytes: float = _load(1_000, "bytes of a sampled telemetry item")
    telemetry_rate: float = _load(20, "items per second and instance that adaptive sampling lets pass, host.json")
    eur_per_usd: float = _setting(0.90, "EUR", "price setting, check")

    serverless_units: float = _setting(0.25, "USD per million request units, serverless", _BILL)
    autoscale_units: float = _setting(0.012, "USD per 100 RU/s and hour, autoscale, each region", _AUTOSCALE)
    storage: float = _setting(0.25, "USD per GB and month, each region", _BILL)
    throughput_unit: float = _setting(0.030, "USD per throughput unit and hour, Standard", _HUBS)
    ingress: float = _setting(0.028, "USD per million events of up to 64 KB into the hub", _HUBS)
    compute: float = _setting(0.000026, "USD per GB-second, Flex Consumption on demand", _FLEX)
    executions: float = _setting(0.40, "USD per million executions, Flex Consumption", _FLEX)
    gateway_calls: float = _setting(3.50, "USD per million calls, API Management Consumption", _GATEWAY)
    gateway_unit: float = _setting(734, "USD per unit and month, API Management Standard v2", _GATEWAY)
    gateway_rate: float = _setting(1_500, "calls per second of a Standard v2 unit", "setting, check by a load test")
    logs: float = _setting(2.30, "USD per GB into Log Analytics", _LOGS)

    partition_units: float = _setting(10_000, "RU/s of a physical and of a logical partition", _LIMITS)
    partition_gb: float = _setting(50, "GB of a physical partition", _LIMITS)
    logical_gb: float = _setting(20, "GB of a logical partition", _LIMITS)
    serverless_limit: float = _setting(5_000, "RU/s of a serverless container up to 250 GB", _SERVERLESS)
    container_limit: float = _setting(1_000_000, "RU/s of a container without asking Azure for more", _LIMITS)
    unit_mb: float = _setting(1.0, "MB/s into the hub per throughput unit, twice that out of it", _HUB_LIMITS)
    unit_events: float = _setting(1_000, "events/s into the hub per throughput unit", _HUB_LIMITS)
    hub_units: float = _setting(40, "throughput units of a Standard namespace", _HUB_LIMITS)
    hub_partitions: float = _setting(32, "partitions of a Standard hub", _HUB_LIMITS)
    gb_per_core: float = _setting(2.0, "GB of an instance for each of its cores", "setting, check")

    def __post_init__(self) -> None:
        shares = self.warm + self.cold + self.refused + self.repeated + self.transfers
        if abs(shares - 1) > 1e-9:
            raise ValueError(f"warm, cold, refused, repeated and transfers are shares and add up to 1, not {shares:g}")

    @property
    def request_seconds(self) -> float:
        return self.request_ms / 1000

    def changed(self, settings: Iterable[str]) -> Assumptions:
        """With `name=value` for some of them. Raises ValueError for what is none."""
        known = {item.name for item in fields(self)}
        values: dict[str, float] = {}
        for setting in settings:
            name, _, value = setting.partition("=")
            if name not in known:
                raise ValueError(f"{name!r} is no setting; there are {', '.join(sorted(known))}")
            values[name] = float(value)
        return replace(self, **values)

    def described(self) -> Iterator[tuple[str, float, str, str]]:
        """Name, value, unit, source (empty for what describes the load)."""
        for item in fields(self):
            yield item.name, getattr(self, item.name), item.metadata["unit"], item.metadata["source"]
